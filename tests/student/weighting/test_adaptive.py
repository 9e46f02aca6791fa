"""Weights learned from the sample."""

import pytest
import torch

from student.weighting.adaptive import AdaptiveWeighting
from student.weighting.fixed import FixedWeighting

LEFT, SURE, WRONG = [1.0, 0.0], [0.95, 0.05], [0.05, 0.95]


def untrained(joints: int = 1) -> AdaptiveWeighting:
    torch.manual_seed(0)
    return AdaptiveWeighting(FixedWeighting({"a": 1.0, "b": 1.0}, min_confidence=0.1), joints, channels=3)


def test_before_it_has_learned_every_teacher_has_the_same_share(answer, sample):
    weights = untrained()({"a": answer([[SURE]]), "b": answer([[WRONG]])}, sample([[LEFT]], [[1.0]]))
    assert [float(weights[name]) for name in "ab"] == pytest.approx([1.0, 1.0])


def test_it_learns_from_labels_which_teacher_is_right_on_which_crops(answer, sample):
    """On crops with one feature a is right, on those with another b; so it must look at the sample."""
    weighting = untrained()
    answers = {"a": answer([[SURE], [WRONG]]), "b": answer([[WRONG], [SURE]])}
    known = sample([[LEFT], [LEFT]], [[1.0], [1.0]], feature=[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    optimiser = torch.optim.Adam(weighting.parameters(), lr=0.05)
    for _ in range(100):
        (term,) = weighting.terms(answers, known)
        optimiser.zero_grad()
        term.value.backward()
        optimiser.step()
    weights = weighting(answers, known)
    assert float(weights["a"][0]) > 1.8 and float(weights["b"][1]) > 1.8


def test_its_term_is_the_labels_cross_entropy_under_the_mixture(answer, sample):
    answers = {"a": answer([[[0.8, 0.2]]]), "b": answer([[[0.4, 0.6]]])}
    (term,) = untrained().terms(answers, sample([[LEFT]], [[1.0]]))
    assert float(term.value.detach()) == pytest.approx(-torch.tensor(0.6).log().item(), rel=1e-5)


def test_joints_with_one_teacher_or_no_label_teach_it_nothing(answer, sample):
    answers = {"a": answer([[SURE, SURE]]), "b": answer([[WRONG]], union=[0])}
    (term,) = untrained(joints=2).terms(answers, sample([[LEFT, LEFT]], [[0.0, 1.0]]))
    assert float(term.value.detach()) == 0.0


def test_a_batch_that_no_teacher_answered_costs_nothing_and_still_logs_its_term(sample):
    (term,) = untrained().terms({}, sample([[LEFT]], [[1.0]]))
    assert float(term.value.detach()) == 0.0
