"""How often teachers are right, by hand."""

import numpy as np
import pytest

from student.weighting.fixed import FixedWeighting
from student.weighting.reliability import ReliabilityWeighting
from student.weighting.right_shares import PRIOR_LABELS, Tally, reliability_table, tally

FLAT = [10.0, 10.0]


def test_a_joint_is_met_within_a_twentieth_of_the_boxs_diagonal():
    box_N4 = np.array([[0.0, 0.0, 30.0, 40.0]])  # diagonal 50: within 2.5 pixels
    label_NU2 = np.zeros((1, 4, 2), np.float32)
    keypoint_NU2 = np.array([[[2.4, 0.0], [0.0, 2.6], [1.0, 1.0], [9.0, 9.0]]], np.float32)
    counts_NU = np.array([[True, True, False, True]])
    counted = tally(keypoint_NU2, label_NU2, counts_NU, box_N4)
    assert counted.met_U.tolist() == [1, 0, 0, 0] and counted.labels_U.tolist() == [1, 1, 0, 1]


def test_with_many_labels_the_table_holds_their_share():
    table_TDU = reliability_table([[Tally(np.array([8e6, 1e6]), np.array([1e7, 1e7]))]])
    assert table_TDU[0, 0] == pytest.approx([0.8, 0.1], abs=1e-5)


def test_without_any_label_a_teacher_counts_one_half():
    assert reliability_table([[Tally(np.zeros(2), np.zeros(2))]]).tolist() == [[[0.5, 0.5]]]


def test_a_joint_that_a_dataset_does_not_label_leans_on_the_other_datasets():
    """Twice as good on the second dataset as on the first, and joint 1 is labelled in the first only."""
    many = 1e9
    first = Tally(np.array([0.4, 0.2]) * many, np.full(2, many))
    second = Tally(np.array([0.8, 0.0]) * many, np.array([many, 0.0]))
    table_TDU = reliability_table([[first, second]])
    whole, dataset, joint = 1.4 / 3, 0.8, 0.2
    assert table_TDU[0, 1, 1] == pytest.approx(joint * dataset / whole, rel=1e-6)


def test_few_labels_count_beside_the_prior():
    table_TDU = reliability_table([[Tally(np.array([10.0]), np.array([10.0]))]])
    prior = 0.5
    for _ in range(3):  # the teacher's overall share; those by joint and by dataset; the entry itself
        last, prior = prior, (10 + PRIOR_LABELS * prior) / (10 + PRIOR_LABELS)
    assert table_TDU[0, 0, 0] == pytest.approx(
        (10 + PRIOR_LABELS * min(1.0, last**2 / 0.75)) / (10 + PRIOR_LABELS)
    )


def test_weights_are_looked_up_by_dataset_and_joint(answer, sample):
    fixed = FixedWeighting({"a": 2.0}, min_confidence=0.1)
    weighting = ReliabilityWeighting(fixed, {"a": np.array([[0.5, 1.0], [0.1, 0.2]])}, power=2.0)
    answers = {"a": answer([[FLAT, FLAT], [FLAT, FLAT]], union=[1, 0])}
    weights = weighting(answers, sample([[FLAT, FLAT]] * 2, [[0.0, 0.0]] * 2, dataset=[1, 0]))
    assert weights["a"].tolist() == [pytest.approx([0.08, 0.02]), pytest.approx([2.0, 0.5])]
