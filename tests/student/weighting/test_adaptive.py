"""Weights learned from the sample."""

import math

import pytest
import torch

from student.weighting.adaptive import AdaptiveWeighting
from student.weighting.fixed import FixedWeighting

LABEL, NEAR, FAR = [10.0, 10.0], [10.0, 11.0], [40.0, 10.0]


def untrained(joints: int = 1) -> AdaptiveWeighting:
    torch.manual_seed(0)
    return AdaptiveWeighting(FixedWeighting({"a": 1.0, "b": 1.0}, min_confidence=0.1), joints, channels=3)


def test_before_it_has_learned_every_teacher_has_the_same_share(answer, sample):
    weights = untrained()({"a": answer([[NEAR]]), "b": answer([[FAR]])}, sample([[LABEL]], [[1.0]]))
    assert [float(weights[name]) for name in "ab"] == pytest.approx([0.8, 0.8])  # half of 2, times the trust


def test_it_learns_from_labels_which_teacher_is_right_on_which_crops(answer, sample):
    """On crops with one feature a is right, on those with another b; so it must look at the sample."""
    weighting = untrained()
    answers = {"a": answer([[NEAR], [FAR]], trust=1.0), "b": answer([[FAR], [NEAR]], trust=1.0)}
    known = sample([[LABEL], [LABEL]], [[1.0], [1.0]], feature=[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    optimiser = torch.optim.Adam(weighting.parameters(), lr=0.05)
    for _ in range(100):
        (term,) = weighting.terms(answers, known)
        optimiser.zero_grad()
        term.value.backward()
        optimiser.step()
    weights = weighting(answers, known)
    assert float(weights["a"][0]) > 1.8 and float(weights["b"][1]) > 1.8


def test_its_term_is_the_negative_log_likelihood_of_the_label_under_the_mixture(answer, sample):
    answers = {"a": answer([[LABEL]]), "b": answer([[[10.0, 12.0]]])}
    (term,) = untrained().terms(answers, sample([[LABEL]], [[1.0]]))
    # Student's t with four degrees of freedom at 0 and at 2 tolerances, relative to its peak.
    assert float(term.value.detach()) == pytest.approx(-math.log((1 + 2**-2.5) / 2), rel=1e-5)


def test_joints_with_one_teacher_or_no_label_teach_it_nothing(answer, sample):
    answers = {"a": answer([[NEAR, NEAR]]), "b": answer([[FAR]], union=[0])}
    (term,) = untrained(joints=2).terms(answers, sample([[LABEL, LABEL]], [[0.0, 1.0]]))
    assert float(term.value.detach()) == 0.0


def test_a_batch_that_no_teacher_answered_costs_nothing_and_still_logs_its_term(sample):
    (term,) = untrained().terms({}, sample([[LABEL]], [[1.0]]))
    assert float(term.value.detach()) == 0.0
