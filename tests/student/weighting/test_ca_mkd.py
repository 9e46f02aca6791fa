"""CA-MKD's weights, calculated by hand."""

import pytest

from student.weighting.ca_mkd import CaMkdWeighting
from student.weighting.fixed import FixedWeighting

LABEL, OFF_2, OFF_30 = [10.0, 10.0], [10.0, 12.0], [40.0, 10.0]


def weights_of(answers, sample, **fixed):
    weights = {name: fixed.get(name, 1.0) for name in answers}
    return CaMkdWeighting(FixedWeighting(weights, min_confidence=0.1))(answers, sample)


def t(distance: float) -> float:
    """Student's t with four degrees of freedom, relative to its peak."""
    return (1 + distance**2 / 4) ** -2.5


def test_on_a_labelled_joint_shares_are_probabilities_by_the_distance_to_the_label(answer, sample):
    answers = {"a": answer([[LABEL]]), "b": answer([[OFF_2]]), "c": answer([[OFF_30]])}
    weights = weights_of(answers, sample([[LABEL]], [[1.0]]))
    evidence = {"a": t(0), "b": t(2), "c": t(30)}
    total = sum(evidence.values()) + t(6)  # and that no teacher is right
    for name, value in evidence.items():
        assert float(weights[name]) == pytest.approx(3 * value / total, rel=1e-5)  # of three weights of 1


def test_where_all_are_wrong_none_teaches(answer, sample):
    """The paper's shares add up to 1 whatever the teachers say."""
    answers = {"a": answer([[OFF_30]]), "b": answer([[[10.0, 45.0]]])}
    weights = weights_of(answers, sample([[LABEL]], [[1.0]]))
    assert float(weights["a"] + weights["b"]) < 0.02


def test_without_a_label_those_who_agree_are_believed(answer, sample):
    answers = {"a": answer([[LABEL]]), "b": answer([[[10.0, 11.0]]]), "c": answer([[OFF_30]])}
    weights = {name: float(w) for name, w in weights_of(answers, sample([[LABEL]], [[0.0]])).items()}
    assert weights["a"] > 20 * weights["c"] and weights["b"] > 20 * weights["c"]
    r, wrong = 0.8, t(6)
    a = r * (r * t(1) + (1 - r) * wrong) * (r * t(30) + (1 - r) * wrong)
    c = r * (r * t(30) + (1 - r) * wrong) * (r * t(901**0.5) + (1 - r) * wrong)
    no_teacher = (1 - r) ** 3 * wrong**2
    assert weights["a"] == pytest.approx(3 * a / (2 * a + c + no_teacher), rel=1e-3)


def test_of_two_that_disagree_the_one_that_is_more_often_right_counts_more(answer, sample):
    answers = {"a": answer([[LABEL]], trust=0.9), "b": answer([[OFF_30]], trust=0.3)}
    weights = weights_of(answers, sample([[LABEL]], [[0.0]]))
    assert float(weights["a"]) > 10 * float(weights["b"])


def test_a_joints_only_teacher_counts_as_often_as_it_is_right(answer, sample):
    answers = {"a": answer([[LABEL, OFF_2]], union=[0, 1], trust=0.9), "b": answer([[OFF_2]], union=[1])}
    weights = weights_of(answers, sample([[LABEL, LABEL]], [[0.0, 0.0]]), a=0.7)
    assert float(weights["a"][0, 0]) == pytest.approx(0.7 * 0.9, rel=1e-4)


def test_a_teacher_that_is_not_sure_enough_has_no_vote(answer, sample):
    answers = {"a": answer([[LABEL]]), "b": answer([[LABEL]], confidence=[[0.05]])}
    weights = weights_of(answers, sample([[LABEL]], [[1.0]]))
    assert float(weights["a"]) == pytest.approx(1 / (1 + t(6))) and weights["b"].tolist() == [[0.0]]


def test_a_joint_outside_what_both_crops_see_takes_no_share(answer, sample):
    answers = {"a": answer([[OFF_2]]), "b": answer([[LABEL]], taught=[[False]])}
    weights = weights_of(answers, sample([[LABEL]], [[1.0]]))
    assert float(weights["a"]) > 0.9 and weights["b"].tolist() == [[0.0]]


def test_crops_that_only_some_teachers_answered_are_weighed_among_those(answer, sample):
    answers = {"a": answer([[LABEL], [LABEL]]), "b": answer([[LABEL]], rows=[1])}
    weights = weights_of(answers, sample([[LABEL], [LABEL]], [[1.0], [1.0]]))
    assert float(weights["a"][0]) == pytest.approx(1 / (1 + t(6)))
    assert float(weights["a"][1]) == float(weights["b"][0]) == pytest.approx(2 / (2 + t(6)))


def test_a_batch_that_no_teacher_answered_has_no_weights(sample):
    assert weights_of({}, sample([[LABEL]], [[1.0]])) == {}
