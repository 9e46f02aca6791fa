"""One weight per teacher."""

from student.weighting.fixed import FixedWeighting

FLAT = [10.0, 10.0]


def test_a_fixed_weight_holds_wherever_the_teacher_is_sure_enough(answer, sample):
    weighting = FixedWeighting({"a": 0.25, "b": 2.0}, min_confidence=0.3)
    answers = {
        "a": answer([[FLAT, FLAT], [FLAT, FLAT]], confidence=[[0.9, 0.3], [0.29, 0.0]]),
        "b": answer([[FLAT]], confidence=[[0.5]]),
    }
    weights = weighting(answers, sample([[FLAT, FLAT]] * 2, [[0.0, 0.0]] * 2))
    assert weights["a"].tolist() == [[0.25, 0.25], [0.0, 0.0]]
    assert weights["b"].tolist() == [[2.0]]
