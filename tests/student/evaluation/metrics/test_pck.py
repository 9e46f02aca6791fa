import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.conventions.registry import load_convention
from student.evaluation.metrics.pck import (
    LIMB_JOINTS,
    MET,
    MISSED,
    NO_LABEL,
    NOT_PREDICTED,
    head_lengths,
    pck,
    torso_lengths,
)

ALL = np.ones((1, 6), bool)


def test_the_torso_is_the_longer_diagonal(body, person):
    person[3] = [0, 80]  # right hip further out: left_shoulder-right_hip is hypot(60, 40), the other stays 50
    assert torso_lengths(body, person[None], ALL) == pytest.approx([np.hypot(60, 40)])


def test_one_full_diagonal_is_enough_for_a_torso(body, person):
    labelled = ALL.copy()
    labelled[0, 0] = False
    assert torso_lengths(body, person[None], labelled) == pytest.approx([50.0])


def test_a_person_without_a_full_diagonal_has_no_torso(body, person):
    labelled = ALL.copy()
    labelled[0, [0, 1]] = False
    assert np.isnan(torso_lengths(body, person[None], labelled)).all()


def test_a_person_whose_torso_is_a_point_is_skipped_not_divided_by(body, person):
    assert np.isnan(torso_lengths(body, np.zeros_like(person)[None], ALL)).all()


def test_a_convention_without_hips_or_head_segment_has_neither_length(body, person):
    bodiless = replace(body, joints=tuple("abcdef"), flip_pairs=(), limbs=(), head_segment=None)
    assert torso_lengths(bodiless, person[None], ALL) is None
    assert head_lengths(bodiless, person[None], ALL) is None


def test_the_head_length_is_the_conventions_head_segment(body, person):
    assert head_lengths(body, person[None], ALL) == pytest.approx([20.0])


def test_a_joint_counts_when_nearer_than_a_fifth_of_the_torso(body, person):
    """The torso is 50 px: 9.9 px off is met, 10.1 px off is not."""
    predicted = person[None].copy()
    predicted[0, 4, 0] += 9.9
    predicted[0, 5, 1] += 10.1
    share = pck(predicted, person[None], ALL, torso_lengths(body, person[None], ALL), 0.2, body.joints)
    assert share.of_joint("wrist") == 1.0
    assert share.of_joint("nose") == 0.0
    assert share.over(body.joints) == pytest.approx(5 / 6)


def test_the_mean_is_over_labels_not_over_joints(body, person):
    """The wrist labelled in one of two persons: 1 of 1 wrist and 0 of 2 noses is 1 of 3, not (1 + 0) / 2."""
    labels = np.stack([person, person])
    counts = np.zeros((2, 6), bool)
    counts[:, 5] = True
    counts[0, 4] = True
    predicted = labels.copy()
    predicted[:, 5] += 100
    share = pck(predicted, labels, counts, np.array([50.0, 50.0]), 0.2, body.joints)
    assert share.over(["wrist", "nose"]) == pytest.approx(1 / 3)


def test_a_skipped_person_is_counted_as_skipped_and_nowhere_else(body, person):
    labels = np.stack([person, person])
    share = pck(labels, labels, np.ones((2, 6), bool), np.array([50.0, np.nan]), 0.2, body.joints)
    assert share.persons_skipped == 1
    assert share.counted.tolist() == [1] * 6


def test_every_joint_of_every_person_has_a_verdict(body, person):
    """The second person has no torso length, so nothing of it counts; a fifth of the first's is 10 px."""
    labels = np.stack([person, person])
    labelled = np.ones((2, 6), bool)
    labelled[0, 0] = False
    predicted = labels.copy()
    predicted[0, 1] += 99
    predicted[:, 2] = np.nan
    share = pck(predicted, labels, labelled, np.array([50.0, np.nan]), 0.2, body.joints)
    assert share.verdict_NK.tolist() == [[NO_LABEL, MISSED, NOT_PREDICTED, MET, MET, MET], [NO_LABEL] * 6]
    assert share.counted.tolist() == [0, 1, 0, 1, 1, 1]
    assert share.correct.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_person_without_any_label_is_not_called_skipped(body, person):
    share = pck(person[None], person[None], np.zeros((1, 6), bool), np.array([np.nan]), 0.2, body.joints)
    assert share.persons_skipped == 0
    assert share.over(body.joints) is None


def test_the_limb_joints_are_the_first_twelve_of_leeds_sports_pose():
    legs = "right_ankle right_knee right_hip left_hip left_knee left_ankle"
    arms = "right_wrist right_elbow right_shoulder left_shoulder left_elbow left_wrist"
    assert sorted(LIMB_JOINTS) == sorted(f"{legs} {arms}".split())


@given(seed=st.integers(0, 2**16))
def test_the_order_of_the_persons_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    labels = rng.uniform(0, 100, (7, 6, 2)).astype(np.float32)
    predicted = labels + rng.normal(0, 8, labels.shape).astype(np.float32)
    counts = rng.random((7, 6)) < 0.7
    lengths = np.where(rng.random(7) < 0.8, 50.0, np.nan)
    order = rng.permutation(7)
    one = pck(predicted, labels, counts, lengths, 0.2, tuple("abcdef"))
    two = pck(predicted[order], labels[order], counts[order], lengths[order], 0.2, tuple("abcdef"))
    assert one.correct.tolist() == two.correct.tolist()
    assert one.counted.tolist() == two.counted.tolist()
    assert one.persons_skipped == two.persons_skipped


@pytest.mark.mm
def test_every_joints_pck_equals_mmposes():
    from pipeline.teachers.adapters.mmpose.ext import install_mmcv_ext

    install_mmcv_ext()
    from mmpose.evaluation.functional import keypoint_pck_accuracy

    rng = np.random.default_rng(0)
    labels = rng.uniform(0, 100, (60, 6, 2)).astype(np.float32)
    predicted = labels + rng.normal(0, 8, labels.shape).astype(np.float32)
    counts = rng.random((60, 6)) < 0.7
    lengths = rng.uniform(20, 80, 60)
    expected, _, _ = keypoint_pck_accuracy(
        predicted, labels, counts, 0.2, np.stack([lengths, lengths], axis=1)
    )
    share = pck(predicted, labels, counts, lengths, 0.2, tuple("abcdef"))
    assert [share.of_joint(joint) for joint in "abcdef"] == pytest.approx(expected.tolist())


def test_joints_that_go_by_other_names_are_measured_by_what_they_are(tmp_path, repository):
    """`l_hip: same as left_hip` is a hip: of the torso, and of the limbs."""
    coco = load_convention("coco17")
    text = (repository / "pipeline/conventions/builtin/coco17.yaml").read_text()
    text = re.sub(r"^  (left|right)_(\w+):( *){", r"  \1_\2:\3{same: \1_\2, ", text, flags=re.MULTILINE)
    short = re.sub(r"(?<!same: )\b(l|r)(eft|ight)_", r"\1_", text)
    (tmp_path / "short.yaml").write_text(short)
    named = load_convention("short.yaml", tmp_path)
    assert "l_hip" in named.joints and named.body_joints == coco.joints
    rng = np.random.default_rng(0)
    labels_NK2 = rng.uniform(0, 100, (6, 17, 2)).astype(np.float32)
    labelled_NK = rng.random((6, 17)) < 0.9
    predicted_NK2 = labels_NK2 + rng.normal(0, 12, (6, 17, 2)).astype(np.float32)
    lengths, shares = [], []
    for convention in (coco, named):
        lengths.append(torso_lengths(convention, labels_NK2, labelled_NK))
        joints = convention.joints, convention.body_joints
        share = pck(predicted_NK2, labels_NK2, labelled_NK, lengths[-1], 0.2, *joints)
        shares.append(
            [share.over(LIMB_JOINTS), share.of_joint(convention.joints[5]), share.over(share.joints)]
        )
    np.testing.assert_array_equal(*lengths)
    assert shares[0] == shares[1] and 0 < shares[0][0] < 1
