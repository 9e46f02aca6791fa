"""From costs to one number."""

import pytest
import torch

from student.losses.distillation import batch_sum, per_batch_joint

LOSS, WEIGHT = torch.tensor([[1.0, 2.0], [4.0, 8.0]]), torch.tensor([[1.0, 0.0], [0.5, 0.0]])


def test_the_sum_is_divided_by_all_joints_of_the_batch():
    assert float(per_batch_joint(LOSS, WEIGHT, crops=4, joints=3)) == pytest.approx((1 + 2) / 12)


def test_half_the_weight_is_half_the_pull_also_when_every_joint_has_it():
    full, half = (per_batch_joint(LOSS, torch.full((2, 2), w), 2, 2) for w in (1.0, 0.5))
    assert float(half) == pytest.approx(float(full) / 2)


def test_mmposes_sum_grows_with_the_batch():
    once = batch_sum(LOSS, WEIGHT, 2, 2)
    twice = batch_sum(torch.cat([LOSS, LOSS]), torch.cat([WEIGHT, WEIGHT]), 4, 2)
    assert float(once) == pytest.approx((1 + 2) / 2) and float(twice) == pytest.approx(2 * float(once))


def test_nothing_supervised_costs_nothing():
    assert float(per_batch_joint(LOSS, torch.zeros(2, 2), 2, 2)) == 0.0
