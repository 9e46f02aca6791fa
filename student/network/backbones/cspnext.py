"""CSPNeXt, RTMPose's backbone (Lyu et al., RTMDet, arXiv 2212.07784), in plain PyTorch.

Must equal mmdet/models/backbones/cspnext.py, arch P5, as MMPose's RTMPose configs set it up, and names its
weights alike, so that a state dict of theirs loads by key. Those configs name a norm layer without its
settings: BatchNorm's eps is therefore PyTorch's 1e-5, not the 1e-3 of CSPNeXt's own default.

Legend: B crops, C channels, H and W rows and columns of a feature map.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from student.network.backbones.backbone import Backbone

Feature = Float[Tensor, "b _ _ _"]
"""Crops, channels, rows, columns; a layer may change all but the first."""

STEM_CHANNELS = 64
STAGES = ((128, 3, True), (256, 6, True), (512, 6, True), (1024, 3, False))
"""Channels, blocks and whether a block adds its input to its output, of the four stages at factors of 1."""
POOLINGS = 3


@dataclass(frozen=True)
class Scaling:
    """What one size of the family multiplies the numbers of blocks and of channels by."""

    deepen: float
    widen: float

    def channels(self, full: int) -> int:
        return int(full * self.widen)

    def blocks(self, full: int) -> int:
        return max(round(full * self.deepen), 1)


SCALINGS = {
    "cspnext_t": Scaling(deepen=0.167, widen=0.375),
    "cspnext_s": Scaling(deepen=0.33, widen=0.5),
    "cspnext_m": Scaling(deepen=0.67, widen=0.75),
}


class ConvUnit(nn.Module):
    """Convolution, BatchNorm, SiLU; the feature map keeps its size, but for the stride."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, feature_BCHW: Feature) -> Feature:
        return functional.silu(self.bn(self.conv(feature_BCHW)), inplace=True)


class SeparableConv(nn.Module):
    """Depthwise, then pointwise convolution."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.depthwise_conv = ConvUnit(channels, channels, kernel, groups=channels)
        self.pointwise_conv = ConvUnit(channels, channels, 1)

    def forward(self, feature_BCHW: Feature) -> Feature:
        return self.pointwise_conv(self.depthwise_conv(feature_BCHW))


class CSPNeXtBlock(nn.Module):
    """A 3 x 3 convolution and a separable one of 5 x 5."""

    def __init__(self, channels: int, add_input: bool) -> None:
        super().__init__()
        self.conv1 = ConvUnit(channels, channels, 3)
        self.conv2 = SeparableConv(channels, 5)
        self.add_input = add_input

    def forward(self, feature_BCHW: Feature) -> Feature:
        result_BCHW = self.conv2(self.conv1(feature_BCHW))
        return result_BCHW + feature_BCHW if self.add_input else result_BCHW


class ChannelAttention(nn.Module):
    """Each channel times a factor in 0..1, from the mean of every channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)

    def forward(self, feature_BCHW: Feature) -> Feature:
        mean_BC11 = feature_BCHW.mean((-2, -1), keepdim=True)
        return feature_BCHW * functional.hardsigmoid(self.fc(mean_BC11))


class CSPLayer(nn.Module):
    """Half the channels go through the blocks, half past them (cross stage partial), then both are mixed."""

    def __init__(self, channels: int, blocks: int, add_input: bool) -> None:
        super().__init__()
        half = channels // 2
        self.main_conv = ConvUnit(channels, half, 1)
        self.short_conv = ConvUnit(channels, half, 1)
        self.final_conv = ConvUnit(2 * half, channels, 1)
        self.blocks = nn.Sequential(*(CSPNeXtBlock(half, add_input) for _ in range(blocks)))
        self.attention = ChannelAttention(2 * half)

    def forward(self, feature_BCHW: Feature) -> Feature:
        through_BCHW = self.blocks(self.main_conv(feature_BCHW))
        both_BCHW = torch.cat([through_BCHW, self.short_conv(feature_BCHW)], 1)
        return self.final_conv(self.attention(both_BCHW))


class SpatialPyramidPooling(nn.Module):
    """The feature map beside its maxima over windows of 5, 9 and 13.

    A maximum over 5 of a maximum over 5 is one over 9, and so on: the same values for less work.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = ConvUnit(channels, channels // 2, 1)
        self.conv2 = ConvUnit((POOLINGS + 1) * (channels // 2), channels, 1)

    def forward(self, feature_BCHW: Feature) -> Feature:
        levels = [self.conv1(feature_BCHW)]
        for _ in range(POOLINGS):
            levels.append(functional.max_pool2d(levels[-1], 5, stride=1, padding=2))
        return self.conv2(torch.cat(levels, 1))


class CSPNeXt(Backbone):
    """A stem and four stages, or three for an output stride of 16."""

    @classmethod
    def of(cls, name: str, output_stride: int) -> Backbone:
        return cls(name, output_stride)

    def __init__(self, name: str, output_stride: int) -> None:
        """One of SCALINGS; fresh weights, drawn as MMPose draws them (PyTorch's own default)."""
        super().__init__()
        scaling = SCALINGS[name]
        stem = scaling.channels(STEM_CHANNELS)
        narrow = int(STEM_CHANNELS * scaling.widen // 2)
        self.stem = nn.Sequential(
            ConvUnit(3, narrow, 3, stride=2), ConvUnit(narrow, narrow, 3), ConvUnit(narrow, stem, 3)
        )
        self.channels, self.stride = stem, 2
        for number, (full, blocks, add_input) in enumerate(STAGES, 1):
            if self.stride == output_stride:
                break
            channels = scaling.channels(full)
            layers: list[nn.Module] = [ConvUnit(self.channels, channels, 3, stride=2)]
            if number == len(STAGES):
                layers.append(SpatialPyramidPooling(channels))
            layers.append(CSPLayer(channels, scaling.blocks(blocks), add_input))
            self.add_module(f"stage{number}", nn.Sequential(*layers))
            self.channels, self.stride = channels, 2 * self.stride

    @property
    def stages(self) -> Sequence[nn.Module]:
        return list(self.children())
