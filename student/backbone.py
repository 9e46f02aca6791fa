"""Torchvision image backbones, cut after their last feature map (stride 32)."""

from torch import nn
from torchvision import models

STRIDE = 32
BATCH_NORM_MOMENTUM = 0.1
"""PyTorch's usual one. Torchvision's MobileNetV3 has 0.01: after a hundred steps its statistics would be
still near those of its start, and a student that has learned would fail in eval mode."""


def build_backbone(name: str) -> tuple[nn.Module, int]:
    """The backbone called `name`, freshly initialised, and the number of channels it puts out.

    It maps float images (B, 3, h, w) to features (B, channels, h/32, w/32), for h and w multiples of 32.
    """
    network = getattr(models, name)(weights=None)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = BATCH_NORM_MOMENTUM
    if name.startswith("resnet"):
        return nn.Sequential(*list(network.children())[:-2]), network.fc.in_features
    return network.features, network.features[-1].out_channels
