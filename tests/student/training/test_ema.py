"""Averaged weights."""

import math

import pytest
import torch
from torch import nn

from student.training.ema import MovingAverage


def test_the_average_follows_its_formula():
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 1.0)
    average = MovingAverage(model, decay=0.15)
    nn.init.constant_(model.weight, 3.0)
    average.update(model)  # decay (1 + 0) / (10 + 0) = 0.1
    assert float(average.model.weight) == pytest.approx(0.1 * 1 + 0.9 * 3)
    average.update(model)  # (1 + 1) / (10 + 1) = 0.18, more than 0.15
    assert float(average.model.weight) == pytest.approx(0.15 * 2.8 + 0.85 * 3)


def test_batch_norm_statistics_are_averaged_as_weights_are_and_their_counter_is_copied():
    model = nn.BatchNorm1d(2)
    average = MovingAverage(model, decay=0.9)
    for batches in (1, 2):
        model.running_mean.fill_(5.0 * batches)
        model.num_batches_tracked.fill_(batches)
        average.update(model)  # decays 1 / 10, then 2 / 11
        assert int(average.model.num_batches_tracked) == batches
    first = 0.1 * 0 + 0.9 * 5
    assert average.model.running_mean.tolist() == pytest.approx([2 / 11 * first + 9 / 11 * 10] * 2)


def test_the_exponential_ramp_follows_mmposes_formula():
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 0.0)
    average, momentum, expected = MovingAverage(model, decay=0.9998, ramp="exponential"), 0.0002, 0.0
    for step in range(5):
        nn.init.constant_(model.weight, float(step + 1))
        average.update(model)
        newest = (1 - momentum) * math.exp(-(1 + step) / 2000) + momentum if step else 1.0
        expected = (1 - newest) * expected + newest * (step + 1)
        assert float(average.model.weight) == pytest.approx(expected)


@pytest.mark.mm
def test_the_exponential_ramp_is_that_of_the_installed_mmpose():
    from mmpose.engine.hooks.ema_hook import ExpMomentumEMA

    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    ours = MovingAverage(model, decay=0.9998, ramp="exponential")
    theirs = ExpMomentumEMA(model, momentum=0.0002, update_buffers=True)
    torch.manual_seed(0)
    for _ in range(20):
        model(torch.randn(8, 3))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter))
        ours.update(model)
        theirs.update_parameters(model)
    expected = theirs.module.state_dict()
    for name, tensor in ours.model.state_dict().items():
        if tensor.is_floating_point():  # MMEngine leaves the batch norm's counter behind
            assert torch.allclose(tensor, expected[name], atol=1e-6), name


def test_the_exponential_ramp_reaches_its_decay():
    model = nn.Linear(1, 1, bias=False)
    average = MovingAverage(model, decay=0.75, ramp="exponential")
    average.updates = 100_000
    nn.init.constant_(average.model.weight, 1.0)
    nn.init.constant_(model.weight, 2.0)
    average.update(model)
    assert float(average.model.weight) == pytest.approx(1.25)


def test_the_average_is_in_eval_mode_and_wants_no_gradient():
    average = MovingAverage(nn.Linear(2, 2), decay=0.9).model
    assert not average.training
    assert not any(parameter.requires_grad for parameter in average.parameters())
