"""Torchvision's networks, cut: their features and their parameters' names stay torchvision's."""

import pytest
import torch
from torchvision import models

from student.network.backbones.registry import build_backbone


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_with_torchvisions_weights_it_gives_torchvisions_features(name):
    torch.manual_seed(0)
    network = getattr(models, name)(weights=None).eval()
    backbone = build_backbone(name).eval()
    backbone.load_state_dict({key: network.state_dict()[key] for key in backbone.state_dict()})
    image_B3HW = torch.randn(1, 3, 64, 64)
    wanted = (
        network.features(image_B3HW)
        if name.startswith("mobilenet")
        else torch.nn.Sequential(*list(network.children())[:-2])(image_B3HW)
    )
    torch.testing.assert_close(backbone(image_B3HW), wanted)
