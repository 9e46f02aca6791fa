"""Students that start from an MMPose checkpoint with SimpleBaseline's head."""

from pathlib import Path

import pytest
import torch

from pipeline.conventions.registry import load_convention
from pipeline.errors import KDError
from pipeline.params import TeacherParams
from pipeline.teachers.adapters.registry import build_teacher

COCO = load_convention("coco17").joints
CHECKPOINT = "teachers/heatmap_coco/heatmap_coco.pth"
SLIM = {
    "backbone": "resnet18_slim",
    "head": "heatmap",
    "output_stride": 16,
    "width": 48,
    "input_size": (96, 128),
}


@pytest.mark.mm
@torch.inference_mode()
def test_its_logits_are_ten_times_mmposes_heatmaps(repository: Path, start):
    params = TeacherParams(
        adapter="mmpose",
        convention="coco17",
        config="teachers/heatmap_coco/heatmap_coco.py",
        checkpoint=CHECKPOINT,
        flip_test=False,
    )
    teacher = build_teacher("heatmap_coco", params, repository, torch.device("cpu"))
    student = start(repository, {"simple_baseline": CHECKPOINT}, ("coco17",), **SLIM).student.eval()
    generator = torch.Generator().manual_seed(0)
    crops = torch.randint(256, (4, 128, 96, 3), dtype=torch.uint8, generator=generator)
    theirs = teacher.network(crops).heatmap_BKHW
    (ours,) = student(student.normalise(crops))
    assert theirs.abs().max() > 0.01, "nothing to compare"
    assert (ours.unflatten(-1, (32, 24)) - 10 * theirs).abs().max() < 1e-4


def test_joints_are_copied_by_name_and_the_others_are_fresh(repository: Path, start):
    stored = torch.load(repository / CHECKPOINT, weights_only=True)["state_dict"]["head.final_layer.weight"]
    begun = start(repository, {"simple_baseline": CHECKPOINT}, ("mpii16", "coco17"), **SLIM)
    joints = begun.student.config.skeleton.joints
    weight = begun.student.state_dict()["head.projection.weight"]
    for joint in COCO:
        torch.testing.assert_close(
            weight[joints.index(joint)], 10 * stored[COCO.index(joint)].float(), rtol=0, atol=1e-6
        )
    fresh = weight[joints.index("thorax")]
    assert fresh.std() < 0.02, "drawn near zero"
    assert begun.summary.endswith("fresh: pelvis, thorax, upper_neck, head_top")


def test_another_width_is_refused_whole(repository: Path, start):
    with pytest.raises(KDError, match="is of another architecture, so nothing of it was loaded"):
        start(repository, {"simple_baseline": CHECKPOINT}, ("coco17",), **{**SLIM, "width": 64})


def test_a_file_that_is_not_there_is_named(tmp_path: Path, start):
    with pytest.raises(KDError, match=r"student\.init\.simple_baseline: there is no file"):
        start(tmp_path, {"simple_baseline": "nowhere.pth"}, **SLIM)
