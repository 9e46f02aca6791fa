"""Weights by teachers' own confidence."""

import numpy as np
import pytest

from student.weighting.confidence import ConfidenceWeighting, usual_confidence
from student.weighting.fixed import FixedWeighting

FLAT = [0.25] * 4


def test_usual_confidence_is_measured_per_joint_over_all_splits():
    first = np.array([[0.0, 0.5], [0.2, 0.5]], np.float32)
    second = np.array([[0.4, 0.5], [0.6, 0.5], [0.8, 0.5]], np.float32)
    assert usual_confidence([first, second]) == pytest.approx([0.6, 0.5])


def test_a_teacher_whose_peaks_are_low_by_nature_does_not_count_less(answer, sample):
    fixed = FixedWeighting({"loud": 1.0, "quiet": 1.0}, min_confidence=0.0)
    usual = {"loud": np.array([0.8], np.float32), "quiet": np.array([0.2], np.float32)}
    answers = {
        "loud": answer([[FLAT], [FLAT], [FLAT]], confidence=[[0.8], [0.4], [1.0]]),
        "quiet": answer([[FLAT], [FLAT], [FLAT]], confidence=[[0.2], [0.1], [0.0]]),
    }
    weights = ConfidenceWeighting(fixed, usual)(answers, sample([[FLAT]] * 3, [[0.0]] * 3))
    assert weights["loud"].flatten().tolist() == pytest.approx([1.0, 0.5, 1.0])
    assert weights["quiet"].flatten().tolist() == pytest.approx([1.0, 0.5, 0.0])
