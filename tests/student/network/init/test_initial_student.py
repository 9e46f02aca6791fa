"""Where a student's first weights come from, and what a training remembers of it."""

import hashlib

import pytest
import torch

from pipeline.conventions.registry import load_convention
from pipeline.errors import KDError
from student.network.pose_student import PoseStudent
from student.training.train import train_student

COCO = load_convention("coco17").joints


def test_without_init_the_weights_are_those_of_the_seed(tmp_path, start):
    begun = start(tmp_path, {})
    torch.manual_seed(0)
    fresh = PoseStudent(begun.student.config).state_dict()
    assert all(torch.equal(tensor, fresh[name]) for name, tensor in begun.student.state_dict().items())
    assert (begun.identity, begun.summary) == ("", "starts from random weights")


def test_its_identity_is_the_files_whole_sha256(tmp_path, start, make_student, save_checkpoint):
    save_checkpoint(make_student(), tmp_path / "rtmpose.pth", COCO)
    sha256 = hashlib.sha256((tmp_path / "rtmpose.pth").read_bytes()).hexdigest()
    begun = start(tmp_path, {"rtmpose": "rtmpose.pth", "sha256": sha256[:8]})
    assert begun.identity == sha256
    assert f"(SHA-256 {sha256[:12]})" in begun.summary
    assert start(tmp_path, {"rtmpose": "rtmpose.pth", "sha256": sha256[:8]}).identity == sha256


def test_stages_are_frozen_with_the_weights_they_were_given(tmp_path, start, make_student, save_checkpoint):
    weights = save_checkpoint(make_student(), tmp_path / "rtmpose.pth", COCO)
    begun = start(tmp_path, {"rtmpose": "rtmpose.pth"}, frozen_stages=1).student
    stem = begun.backbone.stem[0].conv.weight
    assert torch.equal(stem, weights["backbone.stem.0.conv.weight"]) and not stem.requires_grad


def test_imagenet_is_not_to_be_had_for_every_backbone(tmp_path, start):
    with pytest.raises(KDError, match=r"is imagenet with the backbone cspnext_t, but .*_lite0's"):
        start(tmp_path, {"backbone": "imagenet"})


def test_a_training_is_not_gone_on_from_other_first_weights(tiny, make_student, save_checkpoint):
    tiny.add_dataset("dots", 4)
    student = {"backbone": "cspnext_t", "head": "rtmcc", "init": {"rtmpose": "rtmpose.pth"}}
    workspace = tiny.open(student=student, train={"epochs": 1}, distill={"weight": 0.0})
    path = workspace.root / "rtmpose.pth"
    save_checkpoint(make_student(), path, COCO)
    report = train_student(workspace)
    assert "The student starts from the RTMPose checkpoint" in report.summary()
    assert train_student(workspace).first_epoch == 1
    save_checkpoint(make_student(seed=2), path, COCO)
    again = train_student(workspace)
    assert again.first_epoch == 0
    assert "is of another training (init: " in again.note
