"""Weights by teachers' own confidence, calibrated."""

import pytest

from student.weighting.confidence import ConfidenceWeighting
from student.weighting.fixed import FixedWeighting

HERE = [10.0, 10.0]


def test_a_weight_is_the_fixed_one_times_how_likely_the_answer_is_right(answer, sample):
    fixed = FixedWeighting({"a": 2.0, "b": 1.0}, min_confidence=0.3)
    answers = {
        "a": answer([[HERE]], trust=0.25),
        "b": answer([[HERE, HERE]], confidence=[[0.9, 0.2]], trust=0.5),
    }
    weights = ConfidenceWeighting(fixed)(answers, sample([[HERE, HERE]], [[0.0, 0.0]]))
    assert weights["a"].tolist() == [[0.5]]
    assert weights["b"].tolist() == [pytest.approx([0.5, 0.0])]
