"""Offsets between conventions, made up and found again."""

import dataclasses

import numpy as np
import pytest
import torch

from pipeline.conventions.registry import load_convention
from pipeline.params import AugmentParams
from student.calibration.calibrate import fit_offsets
from student.calibration.offsets import LEAST_PEOPLE, fit_offset, frame_vectors, moved_joints
from student.data.crops import CropMaker
from student.data.training_data import open_training_data

RNG = np.random.default_rng(0)
FRAME = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
STILL = AugmentParams(flip=0, rotation_degrees=0, scale=0, shift=0, half_body=0, colour=0, dropout=0)


def people(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Torso and shoulder vectors of people who stand, lean and turn away."""
    angle = RNG.uniform(-1, 1, count)
    torso = np.stack([np.sin(angle), np.cos(angle)], 1) * RNG.uniform(40, 120, (count, 1))
    shoulders = np.stack([np.cos(angle), -np.sin(angle)], 1) * RNG.uniform(-60, 60, (count, 1))
    return torso.astype(np.float32), shoulders.astype(np.float32)


def test_an_offset_is_found_again_among_answers_a_fifth_of_which_are_wrong():
    torso, shoulders = people(300)
    difference = -0.1 * torso + 0.05 * shoulders + RNG.normal(0, 1, torso.shape)
    difference[:60] += RNG.uniform(-80, 80, (60, 2))
    along, across = fit_offset(difference, torso, shoulders, np.ones(300, bool))
    assert along == pytest.approx(-0.1, abs=0.01) and across == pytest.approx(0.05, abs=0.02)


def test_few_people_tell_no_offset():
    torso, shoulders = people(LEAST_PEOPLE + 5)
    usable = np.arange(len(torso)) < LEAST_PEOPLE - 1
    assert fit_offset(torso * 0.1, torso, shoulders, usable) is None


@pytest.fixture
def training_data(tiny, make_heatmap_teacher):
    """COCO's labels, and a teacher of MPII's joints whose hips lie a tenth of the torso higher."""
    tiny.add_dataset("dots", 30)
    workspace = tiny.open()
    for person in tiny.people["dots"]:
        middle = [(person[f"left_{part}"] + person[f"right_{part}"]) / 2 for part in ("shoulder", "hip")]
        for side in ("left", "right"):
            person[f"{side}_hip"] = person[f"{side}_hip"] - 0.1 * (middle[1] - middle[0])
    tiny.add_store(make_heatmap_teacher(), "dots", workspace)
    return open_training_data(workspace)


def test_hips_at_the_belt_are_found_in_the_stores(training_data):
    offsets = fit_offsets(training_data)
    assert set(offsets) == {"mpii16"} and set(offsets["mpii16"]) == {"left_hip", "right_hip"}
    # A tenth of the true torso is a ninth of the teacher's, which is the shorter by a tenth.
    assert offsets["mpii16"]["left_hip"][0] == pytest.approx(1 / 9, abs=0.005)
    left, right = offsets["mpii16"]["left_hip"], offsets["mpii16"]["right_hip"]
    assert left == (right[0], -right[1])


def test_moved_by_it_a_teachers_joints_lie_where_the_union_has_them(training_data):
    (spec,) = training_data.teacher_specs
    offset_R2 = np.zeros((len(spec.union_R), 2), np.float32)
    joints = training_data.student.skeleton.joints
    hips = np.isin(spec.union_R, [joints.index("left_hip"), joints.index("right_hip")])
    offset_R2[hips, 0] = 1 / 9
    moving = dataclasses.replace(spec, offset_R2=offset_R2)
    table, reader = training_data.splits[0].table, training_data.splits[0].readers["dots_heatmap"]
    keypoint_AK2 = torch.from_numpy(reader.column("keypoints"))
    moved = moved_joints(keypoint_AK2, moving, torch.from_numpy(spec.source_R))
    for side in ("left", "right"):
        row = int(np.flatnonzero(spec.union_R == joints.index(f"{side}_hip"))[0])
        label = table.keypoints[:, joints.index(f"{side}_hip")]
        assert np.abs(moved[:, row].numpy() - label).max() < 0.05


def test_the_frame_turns_with_the_person():
    keypoints = torch.tensor([[[2.0, 0.0], [-2.0, 0.0], [1.0, 10.0], [-1.0, 10.0]]])
    torso, shoulders = frame_vectors(keypoints, (0, 1, 2, 3))
    assert torso.tolist() == [[0.0, 10.0]] and shoulders.tolist() == [[4.0, 0.0]]


def test_labels_are_moved_by_their_own_conventions_offset(tiny, make_heatmap_teacher):
    table = tiny.add_dataset("dots", 2, convention="mpii16")
    training_data = open_training_data(
        tiny.open(distill={"weight": 0.0}, skeleton={"conventions": ["coco17", "mpii16"]})
    )
    joints = training_data.student.skeleton.joints
    offset_U2 = np.zeros((len(joints), 2), np.float32)
    offset_U2[joints.index("left_hip")] = (0.2, 0.1)
    plain, moved = (
        CropMaker(training_data.splits[0], training_data.student, offset_U2=offset).make(0, STILL, RNG)
        for offset in (None, offset_U2)
    )
    shift = moved.keypoint_U2 - plain.keypoint_U2
    place = {name: table.keypoints[0, load_convention("mpii16").index(name)] for name in FRAME}
    torso = (place["left_hip"] + place["right_hip"] - place["left_shoulder"] - place["right_shoulder"]) / 2
    wanted = 0.2 * torso + 0.1 * (place["left_shoulder"] - place["right_shoulder"])
    np.testing.assert_allclose(shift[joints.index("left_hip")], plain.affine_23[:, :2] @ wanted, atol=1e-3)
    assert np.abs(np.delete(shift, joints.index("left_hip"), 0)).max() == 0
