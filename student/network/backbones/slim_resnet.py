"""ResNet-18 at a quarter of its width (He et al., CVPR 2016): 0.7 M parameters, and quick on a CPU, whose
libraries do dense convolutions well and depthwise ones badly.

Parameters have the names that torchvision and MMPose give them. With an output stride of 16 this is MMPose's
`ResNet(depth=18, stem_channels=16, base_channels=16, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2))`.

Legend: B crops, C channels, H and W rows and columns.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from student.network.backbones.backbone import Backbone

STEM_CHANNELS = 16
STAGE_CHANNELS = (16, 32, 64, 128)


class BasicBlock(nn.Module):
    """Two convolutions 3 x 3 beside a shortcut; the first may halve the map, or be dilated."""

    def __init__(self, inputs: int, outputs: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride > 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, feature_BCHW: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d hs ws"]:
        shortcut_BDHW = feature_BCHW if self.downsample is None else self.downsample(feature_BCHW)
        hidden_BDHW = F.relu(self.bn1(self.conv1(feature_BCHW)), inplace=True)
        return F.relu(self.bn2(self.conv2(hidden_BDHW)) + shortcut_BDHW, inplace=True)


class SlimResNet18(Backbone):
    """`conv1` to `layer4`; for an output stride of 16 the last stage is dilated, not strided."""

    def __init__(self, output_stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, STEM_CHANNELS, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM_CHANNELS)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = STEM_CHANNELS
        for number, channels in enumerate(STAGE_CHANNELS, start=1):
            stride = 1 if number == 1 else 2
            dilation = 1
            if number == len(STAGE_CHANNELS) and output_stride == 16:
                stride, dilation = 1, 2
            first = BasicBlock(inputs, channels, stride, dilation)
            self.add_module(
                f"layer{number}", nn.Sequential(first, BasicBlock(channels, channels, 1, dilation))
            )
            inputs = channels
        self.channels, self.stride = inputs, output_stride

    @property
    def stages(self) -> Sequence[nn.Module]:
        stem = nn.Sequential(self.conv1, self.bn1, self.relu, self.maxpool)
        return [stem, *(child for name, child in self.named_children() if name.startswith("layer"))]
