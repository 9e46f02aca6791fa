"""The learning rate's course."""

import pytest
import torch

from student.training.learning_rate_schedule import learning_rate_factor


def test_the_warm_up_rises_in_equal_steps_to_one():
    assert [learning_rate_factor(step, 100, 4) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_the_cosine_is_at_a_half_in_the_middle_and_near_zero_at_the_end():
    assert learning_rate_factor(54, 104, 4) == pytest.approx(0.5)
    assert 0 < learning_rate_factor(103, 104, 4) < 0.001


def test_a_warm_up_longer_than_the_training_is_cut():
    assert [learning_rate_factor(step, 2, 10) for step in range(2)] == [0.5, 1.0]


def test_without_a_warm_up_it_starts_at_one():
    assert learning_rate_factor(0, 10, 0) == 1.0


def test_flat_cosine_is_flat_for_half_of_the_training_then_torchs_cosine_to_a_twentieth():
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=50, eta_min=0.05)
    expected = [1.0] * 50
    for _ in range(50):
        expected.append(cosine.get_last_lr()[0])
        optimiser.step()
        cosine.step()
    factors = [learning_rate_factor(step, 100, 0, "flat_cosine") for step in range(100)]
    assert factors == pytest.approx(expected)


def test_a_flat_cosine_falls_after_a_warm_up_longer_than_half_of_the_training():
    factors = [learning_rate_factor(step, 10, 8, "flat_cosine") for step in range(10)]
    assert factors[7:9] == [1.0, 1.0]
    assert factors[9] == pytest.approx((1 + 0.05) / 2)
