"""Stored maps as the student's targets: the whole way, from the store's bytes to distributions."""

import dataclasses

import numpy as np
import pytest
import torch

from pipeline.params import AugmentParams
from pipeline.store.format.map_codec import MapCodec
from student.data.batch import TrainingBatch
from student.data.dataset import TrainingSet
from student.data.sampler import Draw
from student.data.training_data import TrainingData, open_training_data
from student.network.config import StudentConfig
from student.network.decode import decode
from student.targets.joint_targets import TeacherTargets, label_targets, teacher_targets

STRONG = AugmentParams(flip=0.5, rotation_degrees=40, scale=0.2, shift=0.05, half_body=0.0)
STILL = AugmentParams(flip=0.0, rotation_degrees=0, scale=0.0, shift=0.0, half_body=0.0)
FAR_OFF = AugmentParams(flip=0.5, rotation_degrees=0, scale=0.0, shift=0.9, half_body=0.0)


def supervision_of(tiny, teacher, head: str, views: int = 0) -> TrainingData:
    tiny.add_dataset("dots", 8, convention="mpii16")
    workspace = tiny.open(
        (teacher.name,),
        student={"head": head},
        cells={"datasets": ["dots"]},
        extract={"views": {"count": views, "rotation_degrees": 60.0}},
    )
    tiny.add_store(teacher, "dots", workspace)
    return open_training_data(workspace)


@pytest.fixture(params=["dots_heatmap", "dots_simcc"])
def teacher(request, make_heatmap_teacher, make_simcc_teacher):
    makers = {"dots_heatmap": make_heatmap_teacher, "dots_simcc": make_simcc_teacher}
    return makers[request.param]()


def batch_of(training_data: TrainingData, augment: AugmentParams, draws: list[Draw]) -> TrainingBatch:
    return TrainingSet(
        training_data.splits,
        training_data.student,
        augment,
        seed=0,
        teacher_specs=training_data.teacher_specs,
    )[draws]


def targets_of(training_data: TrainingData, batch: TrainingBatch, **changes) -> TeacherTargets:
    (spec,) = training_data.teacher_specs
    answer = dataclasses.replace(batch.teachers[spec.name], **changes)
    return teacher_targets(answer, batch.flipped_B, spec, training_data.student)


def all_spread_out(training_data: TrainingData, sure_share: float) -> TrainingData:
    """As if every map were no more than 1 / sure_share of one peak."""
    (spec,) = training_data.teacher_specs
    calibration = dataclasses.replace(spec.calibration, sure_share=sure_share)
    return dataclasses.replace(training_data, teacher_specs=[spec.calibrated(calibration)])


def _peak_is_cut(targets: TeacherTargets, student: StudentConfig) -> torch.Tensor:
    """Whether any position within one of the peak, along its row and column, is unknown."""
    width, height = student.map.size
    cell_AR2 = (targets.keypoint_AR2 - torch.tensor(student.map.offset)) / torch.tensor(student.map.scale)
    x, y = cell_AR2.round().long().unbind(-1)
    cut = torch.zeros_like(targets.taught_AR)
    crop = torch.arange(len(x))[:, None]
    for dx, dy in ((-1, 0), (0, 0), (1, 0), (0, -1), (0, 1)):
        column, row = (x + dx).clamp(0, width - 1), (y + dy).clamp(0, height - 1)
        if student.map.kind == "heatmap":
            cut |= ~targets.known[0].unflatten(-1, (height, width))[crop, row, column]
        else:
            cut |= ~(targets.known[0][crop, column] & targets.known[1][crop, row])
    return cut


@pytest.mark.parametrize("views", [0, 3], ids=["warped", "stored views"])
@pytest.mark.parametrize("head", ["heatmap", "simcc", "rtmcc"])
def test_any_teacher_teaches_any_head_the_joints_where_the_labels_are(tiny, teacher, head, views):
    training_data = supervision_of(tiny, teacher, head, views)
    augment = STRONG.model_copy(update={"stored_views": 1.0})
    batch = batch_of(
        training_data, augment, [Draw(epoch, 0, index) for epoch in range(3) for index in range(8)]
    )
    assert batch.flipped_B.any() and not batch.flipped_B.all()

    targets = targets_of(training_data, batch)

    for axis in targets.positions:
        assert torch.allclose(axis.sum(-1)[targets.taught_AR], torch.ones(()), atol=1e-4)
    logits = tuple(axis.clamp_min(1e-30).log() for axis in targets.positions)
    decoded, score = decode(logits, training_data.student.map, training_data.student.target_sigma)
    rows = torch.arange(len(batch))[:, None]
    labels, weights = batch.keypoint_BU2[rows, targets.union_AR], batch.weight_BU[rows, targets.union_AR]
    inner = ((labels > 6) & (labels < torch.tensor([58, 90]))).all(-1)
    clear = (weights > 0) & targets.taught_AR & inner
    # Where the teacher's crop ends, within its peak, the rest of it is unknown.
    whole = clear & ~_peak_is_cut(targets, training_data.student)
    assert whole.sum() > 150
    # Each one, not their mean: a bin of SimCC's is half a pixel, a cell of the heatmap 4.
    assert (decoded - labels)[whole].norm(dim=-1).max() < 0.1


@pytest.mark.parametrize("head", ["heatmap", "simcc", "rtmcc"])
def test_a_sure_answer_is_taught_exactly_as_a_label_is(tiny, teacher, head):
    training_data = supervision_of(tiny, teacher, head)
    batch = batch_of(training_data, STILL, [Draw(0, 0, index) for index in range(8)])
    sure = torch.ones_like(batch.teachers[teacher.name].mode_AK)
    targets = targets_of(training_data, batch, mode_AK=sure, spread_N2=torch.zeros(0, 2, dtype=torch.int64))
    rows = torch.arange(len(batch))[:, None]
    keypoint_AR2 = batch.keypoint_BU2[rows, targets.union_AR]
    student = training_data.student
    labels = label_targets(keypoint_AR2, student.map, student.target_sigma, None)
    for taught, label, known in zip(targets.positions, labels, targets.known, strict=True):
        label = label * known[:, None]
        label = label / label.sum(-1, keepdim=True)
        torch.testing.assert_close(taught[targets.taught_AR], label[targets.taught_AR], atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("head", ["heatmap", "simcc", "rtmcc"])
def test_of_a_map_with_two_peaks_both_are_taught_by_their_share(tiny, make_heatmap_teacher, head):
    """The wrist's map with the ankle's added to it: two thirds of its mass at the wrist, one at the ankle."""
    training_data = supervision_of(tiny, make_heatmap_teacher(), head)
    batch = batch_of(all_spread_out(training_data, 1.5), STILL, [Draw(0, 0, 0)])
    answer = batch.teachers["dots_heatmap"]
    (spec,) = training_data.teacher_specs
    joints = training_data.student.skeleton.joints
    wrist, ankle = joints.index("left_wrist"), joints.index("left_ankle")
    row, other = (int(np.flatnonzero(spec.union_R == union)[0]) for union in (wrist, ankle))
    map_NHW = spec.codec.decode({name: array[:, None] for name, array in answer.stored.items()}).heatmap_BKHW[
        :, 0
    ]
    # At the exponent of heatmaps, 1.5, half the mass is a peak of 0.63.
    both_1HW = map_NHW[row : row + 1] + map_NHW[other : other + 1] * 0.5 ** (1 / 1.5)
    exact = dataclasses.replace(spec, codec=MapCodec("heatmap", "float16", None, None))
    mode_AK = torch.ones_like(answer.mode_AK)
    mode_AK[0, spec.source_R[row]] = 2 / 3
    targets = targets_of(
        dataclasses.replace(training_data, teacher_specs=[exact]),
        batch,
        stored={"map": both_1HW},
        spread_N2=torch.tensor([[0, row]]),
        mode_AK=mode_AK,
    )
    geometry = training_data.student.map
    if head == "heatmap":
        map_HW = targets.positions[0][0, row].unflatten(0, geometry.size[::-1])
        axes = (map_HW.sum(0), map_HW.sum(1))
    else:
        axes = tuple(axis[0, row] for axis in targets.positions)
    # Both marginals have two peaks; where they lie to half a cell of the plane, and how much each has.
    for axis, place_2 in zip((0, 1), batch.keypoint_BU2[0, [wrist, ankle]].T, strict=True):
        pixel = torch.arange(geometry.size[axis]) * geometry.scale[axis] + geometry.offset[axis]
        mean = float((axes[axis] * pixel).sum())
        assert mean == pytest.approx(float(place_2 @ torch.tensor([2 / 3, 1 / 3])), abs=1.5)
        other = (pixel - place_2[1]).abs() < (place_2[0] - place_2[1]).abs() / 2
        if (place_2[0] - place_2[1]).abs() > 30:
            assert float(axes[axis][other].sum()) == pytest.approx(1 / 3, abs=0.04)


def test_beyond_the_teachers_crop_the_target_is_unknown(tiny, make_heatmap_teacher):
    training_data = all_spread_out(supervision_of(tiny, make_heatmap_teacher(padding=1.0), "heatmap"), 4.0)
    batch = batch_of(training_data, FAR_OFF, [Draw(0, 0, index) for index in range(8)])
    targets = targets_of(training_data, batch)
    (known,), (position,) = targets.known, targets.positions
    assert 0.1 < known.float().mean() < 0.9
    assert position.masked_select(~known[:, None].expand_as(position)).abs().max() == 0


@pytest.mark.parametrize("outside", [1.0, 8.0])
def test_a_joint_outside_the_students_crop_is_not_taught_at_its_edge(tiny, teacher, outside):
    """One pixel outside as well as eight."""
    training_data = supervision_of(tiny, teacher, "heatmap")
    batch = batch_of(training_data, STILL, [Draw(0, 0, 0)])
    keypoint_AK2 = batch.teachers[teacher.name].keypoint_AK2.clone()
    keypoint_AK2[0, 0, 0] = 63.5 + outside
    keypoint_AK2[0, 1, 1] = -0.5 - outside
    targets = targets_of(training_data, batch, keypoint_AK2=keypoint_AK2)
    (spec,) = training_data.teacher_specs
    assert not targets.taught_AR[0, np.isin(spec.source_R, [0, 1])].any()
    assert targets.taught_AR[0, ~np.isin(spec.source_R, [0, 1])].any()


def test_a_map_without_mass_gives_no_nan(tiny, teacher):
    training_data = all_spread_out(supervision_of(tiny, teacher, "heatmap"), 4.0)
    batch = batch_of(training_data, STRONG, [Draw(0, 0, 0)])
    answer = batch.teachers[teacher.name]
    empty = {name: torch.zeros_like(array) for name, array in answer.stored.items()}
    targets = targets_of(training_data, batch, stored=empty)
    assert len(answer.spread_N2) and all(torch.isfinite(axis).all() for axis in targets.positions)


def test_a_mirrored_crop_swaps_the_joints_a_teacher_teaches(tiny, make_heatmap_teacher):
    training_data = supervision_of(tiny, make_heatmap_teacher(), "heatmap")
    batch = batch_of(training_data, STRONG, [Draw(0, 0, index) for index in range(2)])
    batch = dataclasses.replace(batch, flipped_B=torch.tensor([False, True]))
    (spec,) = training_data.teacher_specs
    joints = training_data.student.skeleton.joints
    targets = targets_of(training_data, batch)
    plain, swapped = ([joints[u] for u in row] for row in targets.union_AR.tolist())
    assert "left_wrist" in plain
    assert [joint.replace("left_", "right_") for joint in plain if "left" in joint] == [
        joint for joint in swapped if joint in {j.replace("left_", "right_") for j in plain if "left" in j}
    ]
    assert np.array_equal(spec.union_R, targets.union_AR[0].numpy())


def test_keypoints_alone_are_taught_without_reading_a_map(tiny, teacher):
    training_data = supervision_of(tiny, teacher, "heatmap")
    (spec,) = training_data.teacher_specs
    alone = dataclasses.replace(training_data, teacher_specs=[dataclasses.replace(spec, reads_maps=False)])
    for reader in training_data.splits[0].readers.values():
        reader._maps = {}  # there is nothing to read maps with
    batch = batch_of(alone, STRONG, [Draw(0, 0, index) for index in range(8)])
    targets = targets_of(alone, batch)
    logits = (targets.positions[0].clamp_min(1e-30).log(),)
    decoded, _ = decode(logits, training_data.student.map, training_data.student.target_sigma)
    inner = ((targets.keypoint_AR2 > 6) & (targets.keypoint_AR2 < torch.tensor([58, 90]))).all(-1)
    assert (decoded - targets.keypoint_AR2)[targets.taught_AR & inner].abs().max() < 0.05
