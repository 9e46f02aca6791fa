"""Stored maps as the student's targets: the whole way, from the store's bytes to distributions."""

import dataclasses

import numpy as np
import pytest
import torch

from pipeline.geometry import MapGeometry
from pipeline.params import AugmentParams
from student.dataset import TrainingSet
from student.positions import Positions
from student.sampler import Draw
from student.supervision import Supervision, open_supervision
from student.teacher_targets import teacher_targets

STRONG = AugmentParams(flip=0.5, rotation_degrees=40, scale=0.2, shift=0.05, half_body=0.0)
FAR_OFF = AugmentParams(flip=0.5, rotation_degrees=0, scale=0.0, shift=0.9, half_body=0.0)


def supervision_of(tiny, teacher, head: str, views: int = 0) -> Supervision:
    tiny.add_dataset("dots", 8, convention="mpii16")
    workspace = tiny.open(
        (teacher.name,),
        student={"head": head},
        cells={"datasets": ["dots"]},
        extract={"views": {"count": views, "rotation_degrees": 60.0}},
    )
    tiny.add_store(teacher, "dots", workspace)
    return open_supervision(workspace)


def local_means(positions: Positions, geometry: MapGeometry) -> torch.Tensor:
    """Mean position within 12 input pixels of the peak, in input pixels: independent of `decode`."""
    if geometry.kind == "heatmap":
        map_ARHW = positions[0].unflatten(-1, geometry.size[::-1])
        positions = (map_ARHW.sum(-2), map_ARHW.sum(-1))
    found = []
    for axis, scale, offset in zip(positions, geometry.scale, geometry.offset, strict=True):
        pixel = torch.arange(axis.shape[-1]) * scale + offset
        near = axis * ((pixel - pixel[axis.argmax(-1)][..., None]).abs() <= 12)
        found.append((near * pixel).sum(-1) / near.sum(-1))
    return torch.stack(found, -1)


@pytest.fixture(params=["dots_heatmap", "dots_simcc"])
def teacher(request, make_heatmap_teacher, make_simcc_teacher):
    makers = {"dots_heatmap": make_heatmap_teacher, "dots_simcc": make_simcc_teacher}
    return makers[request.param]()


@pytest.mark.parametrize("views", [0, 3], ids=["warped", "stored views"])
@pytest.mark.parametrize("head", ["heatmap", "simcc", "rtmcc"])
def test_any_teacher_teaches_any_head_the_joints_where_the_labels_are(tiny, teacher, head, views):
    supervision = supervision_of(tiny, teacher, head, views)
    augment = STRONG.model_copy(update={"stored_views": 1.0})
    dataset = TrainingSet(supervision.splits, supervision.student, augment, seed=0)
    batch = dataset[[Draw(epoch, 0, index) for epoch in range(3) for index in range(8)]]
    assert batch.flipped_B.any() and not batch.flipped_B.all()
    (teaching,) = supervision.teachings

    targets = teacher_targets(batch.teachers[teacher.name], batch.flipped_B, teaching, supervision.student)

    for axis in targets.positions:
        assert torch.allclose(axis.sum(-1)[targets.seen_AR > 0.5], torch.ones(()), atol=1e-4)
    found = local_means(targets.positions, supervision.student.map)
    rows = torch.arange(len(batch))[:, None]
    labels, weights = batch.keypoint_BU2[rows, targets.union_AR], batch.weight_BU[rows, targets.union_AR]
    clear = (
        (weights > 0) & (targets.seen_AR > 0.95) & ((labels > 6) & (labels < torch.tensor([58, 90]))).all(-1)
    )
    off = (found - labels)[clear]
    assert clear.sum() > 150
    # A cell of the student's heatmap is 4 px.
    assert off.abs().median() < 0.2
    assert off.mean(0).abs().max() < 0.08, "a systematic offset"


def test_beyond_the_teachers_crop_the_target_is_unknown(tiny, make_heatmap_teacher):
    supervision = supervision_of(tiny, make_heatmap_teacher(padding=1.0), "heatmap")
    dataset = TrainingSet(supervision.splits, supervision.student, FAR_OFF, seed=0)
    batch = dataset[[Draw(0, 0, index) for index in range(8)]]
    (teaching,) = supervision.teachings
    targets = teacher_targets(batch.teachers["dots_heatmap"], batch.flipped_B, teaching, supervision.student)
    (known,), (position,) = targets.known, targets.positions
    assert 0.1 < known.float().mean() < 0.9
    assert position.masked_select(~known[:, None].expand_as(position)).abs().max() == 0
    labels = batch.keypoint_BU2[torch.arange(8)[:, None], targets.union_AR]
    outside = ((labels < -8) | (labels > torch.tensor([64, 96]) + 8)).any(-1)
    assert outside.any() and targets.seen_AR[outside].max() < 0.5


def test_a_map_without_mass_is_not_seen_and_gives_no_nan(tiny, make_heatmap_teacher):
    supervision = supervision_of(tiny, make_heatmap_teacher(), "heatmap")
    dataset = TrainingSet(supervision.splits, supervision.student, STRONG, seed=0)
    batch = dataset[[Draw(0, 0, 0)]]
    (teaching,) = supervision.teachings
    answer = batch.teachers["dots_heatmap"]
    empty = dataclasses.replace(
        answer, stored={name: torch.zeros_like(array) for name, array in answer.stored.items()}
    )
    targets = teacher_targets(empty, batch.flipped_B, teaching, supervision.student)
    assert targets.seen_AR.max() == 0
    assert all(torch.isfinite(axis).all() for axis in targets.positions)


def test_a_mirrored_crop_swaps_the_joints_a_teacher_teaches(tiny, make_heatmap_teacher):
    supervision = supervision_of(tiny, make_heatmap_teacher(), "heatmap")
    dataset = TrainingSet(supervision.splits, supervision.student, STRONG, seed=0)
    batch = dataset[[Draw(0, 0, index) for index in range(2)]]
    (teaching,) = supervision.teachings
    joints = supervision.student.skeleton.joints
    flipped = torch.tensor([False, True])
    targets = teacher_targets(batch.teachers["dots_heatmap"], flipped, teaching, supervision.student)
    plain, swapped = ([joints[u] for u in row] for row in targets.union_AR.tolist())
    assert "left_wrist" in plain
    assert [joint.replace("left_", "right_") for joint in plain if "left" in joint] == [
        joint for joint in swapped if joint in {j.replace("left_", "right_") for j in plain if "left" in j}
    ]
    assert np.array_equal(teaching.union_R, targets.union_AR[0].numpy())
