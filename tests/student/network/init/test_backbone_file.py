"""Students that start from a backbone's weights."""

import pytest
import torch
from torchvision import models

from pipeline.errors import KDError
from student.network.saved import save_student


def same(begun, weights, prefix="") -> bool:
    own = begun.student.backbone.state_dict()
    return all(torch.equal(tensor, weights[f"{prefix}{name}"]) for name, tensor in own.items())


@pytest.mark.parametrize("output_stride", [16, 32])
@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_torchvisions_own_files_load_without_their_classifiers(tmp_path, start, name, output_stride):
    torch.manual_seed(7)
    weights = getattr(models, name)(weights=None).state_dict()
    torch.save(weights, tmp_path / "imagenet.pth")
    begun = start(
        tmp_path, {"backbone": "imagenet.pth"}, backbone=name, head="heatmap", output_stride=output_stride
    )
    assert same(begun, weights)
    assert begun.summary.endswith("tensors copied into the backbone; the head is fresh")


def test_openmmlabs_backbone_files_load_without_what_else_they_hold(
    tmp_path, start, make_student, save_checkpoint
):
    weights = save_checkpoint(make_student(("mpii16",)), tmp_path / "cspnext.pth", None)
    fresh = start(tmp_path, {}).student.state_dict()
    begun = start(tmp_path, {"backbone": "cspnext.pth"}, input_size=(64, 96))
    assert same(begun, weights, "backbone.")
    head = {name: tensor for name, tensor in begun.student.state_dict().items() if name.startswith("head.")}
    assert all(torch.equal(tensor, fresh[name]) for name, tensor in head.items())


def test_a_backbones_file_without_prefixes_loads_too(tmp_path, start, make_student):
    weights = make_student().backbone.state_dict()
    torch.save({"state_dict": weights}, tmp_path / "bare.pth")
    assert same(start(tmp_path, {"backbone": "bare.pth"}), weights)


def test_a_saved_student_lends_its_backbone_to_one_with_another_head(tmp_path, start, make_student):
    other = make_student()
    save_student(other, tmp_path)
    begun = start(tmp_path, {"backbone": "student.safetensors"}, head="heatmap")
    assert same(begun, other.state_dict(), "backbone.")


def test_a_deeper_network_of_the_same_widths_is_refused(tmp_path, start):
    """ResNet-34 has every weight of ResNet-18 by name and shape, and more."""
    torch.save(models.resnet34(weights=None).state_dict(), tmp_path / "resnet34.pth")
    with pytest.raises(KDError, match=r"layer1\.2\.conv1\.weight has no place"):
        start(tmp_path, {"backbone": "resnet34.pth"}, backbone="resnet18", head="heatmap")


def test_a_file_of_another_backbone_says_what_was_found(tmp_path, start, make_student):
    torch.save(make_student(backbone="cspnext_s").backbone.state_dict(), tmp_path / "s.pth")
    with pytest.raises(KDError, match=r"Found: cspnext_s .* Wanted: cspnext_t"):
        start(tmp_path, {"backbone": "s.pth"})


def test_a_damaged_safetensors_file_is_refused(tmp_path, start):
    (tmp_path / "cut.safetensors").write_bytes(b"12345")
    with pytest.raises(KDError, match="cannot be read as safetensors"):
        start(tmp_path, {"backbone": "cut.safetensors"})
