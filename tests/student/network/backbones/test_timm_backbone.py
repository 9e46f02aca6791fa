"""timm's networks as backbones, beside what timm itself makes of the same weights."""

import sys
from types import ModuleType

import pytest
import torch

from pipeline.errors import KDError
from student.network.backbones.registry import build_backbone

NAMES = ["resnet18", "mobilenetv3_small_100", "efficientnet_lite0", "convnext_atto"]


@pytest.fixture
def timm() -> ModuleType:
    return pytest.importorskip("timm", reason="timm is not installed: pip install 'kd-pipeline[timm]'")


@pytest.mark.parametrize("output_stride", [16, 32])
@pytest.mark.parametrize("name", NAMES)
def test_features_are_those_that_timm_makes_of_a_file_of_the_whole_network(timm, name, output_stride):
    torch.manual_seed(1)
    whole = timm.create_model(name, pretrained=False).eval()
    backbone = build_backbone(f"timm:{name}", output_stride).eval()
    backbone.load_state_dict(backbone.by_own_names(whole.state_dict()))
    image_B3HW = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        maps = whole.forward_intermediates(image_B3HW, intermediates_only=True)
        found = backbone(image_B3HW)
    (wanted,) = [made for made in maps if made.shape[-1] == 96 // output_stride][-1:]
    assert torch.equal(found, wanted)
    assert found.shape == (1, backbone.channels, 64 // output_stride, 96 // output_stride)


@pytest.mark.parametrize("name", NAMES)
def test_stages_hold_every_parameter_once(timm, name):
    backbone = build_backbone(f"timm:{name}")
    counted = [p.numel() for stage in backbone.stages for p in stage.parameters()]
    assert sum(counted) == sum(p.numel() for p in backbone.parameters())


def test_weights_of_timms_own_are_taken_over(timm, monkeypatch):
    backbone = build_backbone("timm:resnet18")
    trained = timm.create_model("resnet18", pretrained=False, features_only=True)
    monkeypatch.setattr(timm, "create_model", lambda *_, **settings: trained)
    backbone.load_packaged_weights()
    assert torch.equal(backbone.layer4[1].conv2.weight, trained.layer4[1].conv2.weight)


def test_weights_that_cannot_be_fetched_are_one_paragraph(timm, monkeypatch):
    def offline(*_, **settings):
        raise OSError("no network\nand a second line")

    backbone = build_backbone("timm:resnet18")
    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(KDError, match="timm has no weights of resnet18 at hand: no network. Fetch them"):
        backbone.load_packaged_weights()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet81", r"timm has no network 'resnet81'. Did you mean 'resnet18'\?"),
        ("vit_tiny_patch16_224", "vit_tiny_patch16_224 cannot be a student's backbone"),
        ("swin_tiny_patch4_window7_224", "swin_tiny_patch4_window7_224 cannot be a student's backbone"),
    ],
)
def test_what_cannot_be_a_backbone_is_refused_by_name(timm, name, message):
    with pytest.raises(KDError, match=message):
        build_backbone(f"timm:{name}")


def test_without_timm_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(KDError, match=r"pip install 'kd-pipeline\[timm\]'"):
        build_backbone("timm:resnet18")
