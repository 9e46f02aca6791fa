"""CA-MKD's weights, calculated by hand from the paper's formula."""

import math
from dataclasses import replace

import pytest
import torch

from student.weighting.ca_mkd import CaMkdWeighting
from student.weighting.fixed import FixedWeighting

LEFT, RIGHT = [1.0, 0.0], [0.0, 1.0]


def weights_of(answers, sample, **fixed):
    weights = {name: fixed.get(name, 1.0) for name in answers}
    return CaMkdWeighting(FixedWeighting(weights, min_confidence=0.1))(answers, sample)


def test_on_a_labelled_joint_weights_follow_the_papers_formula(answer, sample):
    answers = {"a": answer([[[0.8, 0.2]]]), "b": answer([[[0.5, 0.5]]]), "c": answer([[[0.1, 0.9]]])}
    weights = weights_of(answers, sample([[LEFT]], [[1.0]]))
    exponentials = {"a": 1 / 0.8, "b": 1 / 0.5, "c": 1 / 0.1}  # exp of the cross-entropy -log p(label)
    for name, exponential in exponentials.items():
        share = (1 - exponential / sum(exponentials.values())) / 2
        assert float(weights[name]) == pytest.approx(3 * share, rel=1e-5)  # the total of three weights of 1


def test_without_a_label_who_disagrees_with_the_others_counts_least(answer, sample):
    answers = {"a": answer([[[0.9, 0.1]]]), "b": answer([[[0.8, 0.2]]]), "c": answer([[[0.1, 0.9]]])}
    weights = {name: float(w) for name, w in weights_of(answers, sample([[RIGHT]], [[0.0]])).items()}
    assert weights["c"] < weights["a"] and weights["c"] < weights["b"]
    assert sum(weights.values()) == pytest.approx(3.0, rel=1e-5)
    # a against the mean of b and c: (0.45, 0.55)
    wanted = -(0.45 * math.log(0.9) + 0.55 * math.log(0.1))
    others = [-(0.5 * math.log(0.8) + 0.5 * math.log(0.2)), -(0.85 * math.log(0.1) + 0.15 * math.log(0.9))]
    share = (1 - math.exp(wanted) / sum(map(math.exp, [wanted, *others]))) / 2
    assert weights["a"] == pytest.approx(3 * share, rel=1e-5)


def test_a_joints_only_teacher_keeps_its_weight(answer, sample):
    answers = {
        "a": answer([[[0.8, 0.2], [0.1, 0.9]]], union=[0, 1]),
        "b": answer([[[0.5, 0.5]]], union=[1]),
    }
    weights = weights_of(answers, sample([[LEFT, LEFT]], [[1.0, 1.0]]), a=0.7)
    assert float(weights["a"][0, 0]) == pytest.approx(0.7)
    assert float(weights["a"][0, 1] + weights["b"][0, 0]) == pytest.approx(1.7)


def test_a_teacher_that_is_not_sure_enough_has_no_vote(answer, sample):
    answers = {"a": answer([[[0.8, 0.2]]]), "b": answer([[[0.5, 0.5]]], confidence=[[0.05]])}
    weights = weights_of(answers, sample([[LEFT]], [[1.0]]))
    assert weights["a"].tolist() == [[1.0]] and weights["b"].tolist() == [[0.0]]


def test_crops_that_only_some_teachers_answered_are_weighed_among_those(answer, sample):
    answers = {"a": answer([[[0.8, 0.2]], [[0.8, 0.2]]]), "b": answer([[[0.5, 0.5]]], rows=[1])}
    weights = weights_of(answers, sample([[LEFT], [LEFT]], [[1.0], [1.0]]))
    assert float(weights["a"][0]) == pytest.approx(1.0)
    assert float(weights["a"][1] + weights["b"][0]) == pytest.approx(2.0)


def test_a_batch_that_no_teacher_answered_has_no_weights(sample):
    assert weights_of({}, sample([[LEFT]], [[1.0]])) == {}


def test_a_teacher_of_whose_map_hardly_anything_is_seen_takes_no_share(answer, sample):
    """What is left of its map, normalised, may well lie on the label."""
    scrap = answer([[[0.99, 0.01]]])
    scrap = replace(scrap, targets=replace(scrap.targets, seen_AR=torch.tensor([[0.02]])))
    weights = weights_of({"a": answer([[[0.4, 0.6]]]), "b": scrap}, sample([[LEFT]], [[1.0]]))
    assert weights["a"].tolist() == [[1.0]] and weights["b"].tolist() == [[0.0]]
