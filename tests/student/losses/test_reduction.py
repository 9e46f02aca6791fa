"""From costs per joint to one number."""

import pytest
import torch

from student.losses.reduction import batch_sum, supervised_mean


def test_the_mean_is_over_supervised_joints_only():
    loss = torch.tensor([[1.0, 5.0], [3.0, 7.0]])
    weight = torch.tensor([[1.0, 0.0], [0.5, 0.0]])
    assert float(supervised_mean(loss, weight)) == pytest.approx((1.0 + 1.5) / 2)


def test_half_the_weight_on_every_joint_is_half_the_loss():
    loss = torch.tensor([[1.0, 5.0]])
    whole, half = (float(supervised_mean(loss, torch.full((1, 2), weight))) for weight in (1.0, 0.5))
    assert half == whole / 2


def test_the_originals_sum_grows_with_the_batch():
    loss, weight = torch.tensor([[1.0, 5.0], [3.0, 7.0]]), torch.tensor([[1.0, 1.0], [0.5, 0.0]])
    assert float(batch_sum(loss, weight)) == pytest.approx((1 + 5 + 1.5) / 2)
    twice = [torch.cat([values, values]) for values in (loss, weight)]
    assert float(batch_sum(*twice)) == 2 * float(batch_sum(loss, weight))


def test_a_joint_that_counts_counts_also_with_no_weight():
    loss, counts = torch.tensor([[2.0, 8.0, 5.0]]), torch.tensor([[True, True, False]])
    nearly, quite = (
        float(supervised_mean(loss, torch.tensor([[1.0, weight, 0.0]]), counts)) for weight in (1e-9, 0.0)
    )
    assert nearly == pytest.approx(1.0) and quite == pytest.approx(1.0)
