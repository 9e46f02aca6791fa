"""Torchvision's image backbones, without their classifiers. Parameters have torchvision's own names."""

from collections.abc import Sequence

from torch import nn

from pipeline.deferred_import import deferred_import
from student.network.backbones.backbone import BATCH_NORM_MOMENTUM, Backbone

# For an operator that detectors call, torchvision imports PyTorch's compiler, which takes longer than PyTorch
# itself. Backbones do not call it.
with deferred_import({"torch._dynamo.utils": ("is_compile_supported",)}):
    from torchvision import models

STEM_STRIDE = 4
"""Of a ResNet: convolution and pooling."""


class ResNetBackbone(Backbone):
    """`conv1` to `layer4`, or to `layer3` for an output stride of 16."""

    @classmethod
    def of(cls, name: str, output_stride: int) -> Backbone:
        return cls(name, output_stride)

    def __init__(self, name: str, output_stride: int) -> None:
        super().__init__()
        network = getattr(models, name)(weights=None)
        for part in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3"):
            self.add_module(part, getattr(network, part))
        self.channels, self.stride = network.fc.in_features // 2, 16
        if output_stride == 32:
            self.layer4 = network.layer4
            self.channels, self.stride = network.fc.in_features, 32

    @property
    def stages(self) -> Sequence[nn.Module]:
        stem = nn.Sequential(self.conv1, self.bn1, self.relu, self.maxpool)
        return [stem, *(child for name, child in self.named_children() if name.startswith("layer"))]


class MobileNetBackbone(Backbone):
    """`features`, up to the block that would halve them once more than `output_stride` wants."""

    @classmethod
    def of(cls, name: str, output_stride: int) -> Backbone:
        return cls(name, output_stride)

    def __init__(self, name: str, output_stride: int) -> None:
        super().__init__()
        network = getattr(models, name)(weights=None)
        blocks, self.stride = [], 1
        for block in network.features:
            if self.stride * _stride(block) > output_stride:
                break
            blocks.append(block)
            self.stride *= _stride(block)
        self.features = nn.Sequential(*blocks)
        self.channels = blocks[-1].out_channels
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = BATCH_NORM_MOMENTUM

    @property
    def stages(self) -> Sequence[nn.Module]:
        """One ends where the next block halves the map."""
        starts = [0, *(i for i, block in enumerate(self.features) if i and _stride(block) > 1)]
        ends = [*starts[1:], len(self.features)]
        return [self.features[start:end] for start, end in zip(starts, ends, strict=True)]


def _stride(block: nn.Module) -> int:
    """By how much a block shrinks the map: at most one of its convolutions has a stride."""
    return max(m.stride[0] for m in block.modules() if isinstance(m, nn.Conv2d))
