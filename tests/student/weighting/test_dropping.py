"""Teachers left out at random."""

import pytest
import torch

from student.weighting.dropping import dropped_at_random

HERE = [10.0, 10.0]


@pytest.fixture
def many(answer):
    """Two teachers on a thousand crops of one joint, and their weights of 1."""
    answers = {name: answer([[HERE]] * 1000, union=[0]) for name in "ab"}
    return answers, {name: torch.ones(1000, 1) for name in "ab"}


def test_the_hardest_teacher_of_a_crop_always_stays(many):
    answers, weights = many
    torch.manual_seed(0)
    costs = {"a": torch.tensor([[3.0], [1.0]]).repeat(500, 1), "b": torch.full((1000, 1), 2.0)}
    kept = dropped_at_random(weights, costs, answers, 1000, 1, probability=1.0)
    assert kept["a"].flatten().tolist() == [2.0, 0.0] * 500
    assert kept["b"].flatten().tolist() == [0.0, 2.0] * 500


def test_the_others_go_with_the_probability_and_the_total_stays(many):
    answers, weights = many
    torch.manual_seed(0)
    costs = {"a": torch.full((1000, 1), 3.0), "b": torch.full((1000, 1), 2.0)}
    kept = dropped_at_random(weights, costs, answers, 1000, 1, probability=0.25)
    assert ((kept["a"] + kept["b"]) == 2.0).all()
    assert 0.2 < (kept["b"] == 0).float().mean() < 0.3
