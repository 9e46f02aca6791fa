"""Every backbone as the student's heads take it."""

import subprocess
import sys

import pytest
import torch

from pipeline.extensions import BACKBONES
from student.network.backbones.registry import build_backbone

NAMES = BACKBONES.own


@pytest.mark.parametrize("output_stride", [16, 32])
@pytest.mark.parametrize("name", NAMES)
def test_features_have_the_channels_and_the_stride_that_the_backbone_tells(name, output_stride):
    backbone = build_backbone(name, output_stride).eval()
    with torch.no_grad():
        feature_BCHW = backbone(torch.zeros(1, 3, 64, 96))
    assert backbone.stride == output_stride
    assert feature_BCHW.shape == (1, backbone.channels, 64 // output_stride, 96 // output_stride)


@pytest.mark.parametrize("name", NAMES)
def test_stages_hold_every_parameter_once(name):
    backbone = build_backbone(name)
    counted = [p.numel() for stage in backbone.stages for p in stage.parameters()]
    assert sum(counted) == sum(p.numel() for p in backbone.parameters())


@pytest.mark.parametrize(
    ("name", "imported"),
    [("cspnext_t", []), ("efficientnet_lite0", []), ("mobilenet_v3_small", ["torchvision"])],
)
def test_a_backbone_runs_without_torchs_compiler_and_imports_torchvision_only_where_it_is_torchvisions(
    name, imported
):
    code = (
        "import sys, torch; from student.network.backbones.registry import build_backbone; "
        f"build_backbone({name!r}).eval()(torch.zeros(1, 3, 64, 64)); "
        "print([name for name in ('torchvision', 'torch._dynamo', 'sympy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{imported}\n"
