"""Teachers side by side, by hand."""

import pytest

from student.weighting.fixed import FixedWeighting
from student.weighting.teacher_stack import shared_by_joint

HERE = [10.0, 10.0]


def shared(answers, weights, base=None, joints=2):
    return shared_by_joint(weights, base or weights, answers, 1, joints)


def fixed(answers, sample, **weights):
    return FixedWeighting(weights, min_confidence=0.1)(answers, sample)


def test_a_joint_that_three_teachers_answer_is_pulled_as_hard_as_one_that_one_answers(answer, sample):
    answers = {name: answer([[HERE]], union=[0]) for name in "abc"} | {"d": answer([[HERE]], union=[1])}
    known = sample([[HERE, HERE]], [[0.0, 0.0]])
    weights = shared(answers, fixed(answers, known, a=1.0, b=1.0, c=1.0, d=1.0))
    assert sum(float(weights[name]) for name in "abc") == pytest.approx(float(weights["d"])) == 1.0


def test_shares_are_in_proportion_to_the_fixed_weights(answer, sample):
    answers = {name: answer([[HERE]], union=[0]) for name in "ab"}
    weights = shared(answers, fixed(answers, sample([[HERE]], [[0.0]]), a=3.0, b=1.0), joints=1)
    assert float(weights["a"]) == pytest.approx(3.0 * 0.75) and float(weights["b"]) == pytest.approx(0.25)


def test_what_a_strategy_takes_from_a_teacher_the_others_do_not_get(answer, sample):
    answers = {name: answer([[HERE]], union=[0]) for name in "ab"}
    base = fixed(answers, sample([[HERE]], [[0.0]]), a=1.0, b=1.0)
    weights = shared(answers, {"a": base["a"] * 0.5, "b": base["b"] * 0.0}, base, joints=1)
    assert float(weights["a"]) == pytest.approx(0.25) and float(weights["b"]) == 0.0
