"""Averaged weights."""

import pytest
import torch
from torch import nn

from student.ema import MovingAverage


def test_the_average_follows_its_formula():
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 1.0)
    average = MovingAverage(model, decay=0.15)
    nn.init.constant_(model.weight, 3.0)
    average.update(model)  # decay (1 + 0) / (10 + 0) = 0.1
    assert float(average.model.weight) == pytest.approx(0.1 * 1 + 0.9 * 3)
    average.update(model)  # (1 + 1) / (10 + 1) = 0.18, more than 0.15
    assert float(average.model.weight) == pytest.approx(0.15 * 2.8 + 0.85 * 3)


def test_batch_norm_statistics_are_copied():
    model = nn.BatchNorm1d(2)
    average = MovingAverage(model, decay=0.9)
    model(torch.randn(8, 2) + 5)
    average.update(model)
    assert torch.equal(average.model.running_mean, model.running_mean)
    assert int(average.model.num_batches_tracked) == 1


def test_the_average_is_in_eval_mode_and_wants_no_gradient():
    average = MovingAverage(nn.Linear(2, 2), decay=0.9).model
    assert not average.training
    assert not any(parameter.requires_grad for parameter in average.parameters())
