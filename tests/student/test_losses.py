"""Losses against PyTorch's own KL divergence and hand calculation."""

import pytest
import torch
import torch.nn.functional as F

from student.losses import LossTerm, divergence, supervised_mean, total_loss


def distributions(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).softmax(-1)


def test_the_divergence_equals_pytorchs_kl_div_summed_over_axes():
    logits = (torch.randn(3, 5, 7), torch.randn(3, 5, 11))
    targets = (distributions(3, 5, 7), distributions(3, 5, 11, seed=1))
    wanted = sum(
        F.kl_div(logit.log_softmax(-1), target, reduction="none").sum(-1)
        for logit, target in zip(logits, targets, strict=True)
    )
    assert torch.allclose(divergence(logits, targets), wanted, atol=1e-6)


def test_simcc_divergence_equals_that_of_the_outer_product():
    x, y = torch.randn(1, 1, 6), torch.randn(1, 1, 5)
    target_x, target_y = distributions(1, 1, 6), distributions(1, 1, 5, seed=1)
    plane = (y.log_softmax(-1)[..., :, None] + x.log_softmax(-1)[..., None, :]).flatten(-2)
    target = (target_y[..., :, None] * target_x[..., None, :]).flatten(-2)
    assert torch.allclose(
        divergence((x, y), (target_x, target_y)), divergence((plane,), (target,)), atol=1e-6
    )


def test_a_student_that_says_what_the_target_says_costs_nothing():
    target = distributions(2, 3, 9)
    assert divergence((target.log(),), (target,)).abs().max() < 1e-6


def test_unknown_positions_take_no_part_and_get_no_gradient():
    logit = torch.randn(1, 1, 6, requires_grad=True)
    known = torch.tensor([[True, True, True, False, False, False]])
    target = torch.tensor([[[0.2, 0.5, 0.3, 0.0, 0.0, 0.0]]])
    loss = divergence((logit,), (target,), (known,))
    wanted = F.kl_div(logit[..., :3].log_softmax(-1), target[..., :3], reduction="none").sum(-1)
    assert torch.allclose(loss, wanted, atol=1e-6)
    loss.sum().backward()
    assert logit.grad[..., 3:].abs().max() == 0
    assert logit.grad[..., :3].abs().max() > 0


def test_a_crop_of_which_nothing_is_known_costs_nothing_and_has_no_nan_gradient():
    logit = torch.randn(1, 2, 6, requires_grad=True)
    loss = divergence((logit,), (torch.zeros(1, 2, 6),), (torch.zeros(1, 6, dtype=torch.bool),))
    supervised_mean(loss, torch.zeros(1, 2)).backward()
    assert loss.tolist() == [[0.0, 0.0]]
    assert logit.grad.abs().max() == 0


def test_the_mean_is_over_supervised_joints_only():
    loss = torch.tensor([[1.0, 5.0], [3.0, 7.0]])
    weight = torch.tensor([[1.0, 0.0], [0.5, 0.0]])
    assert float(supervised_mean(loss, weight)) == pytest.approx((1.0 + 1.5) / 2)


def test_half_the_weight_on_every_joint_is_half_the_loss():
    loss = torch.tensor([[1.0, 5.0]])
    whole, half = (float(supervised_mean(loss, torch.full((1, 2), weight))) for weight in (1.0, 0.5))
    assert half == whole / 2


def test_the_total_is_the_sum_of_terms_times_weights():
    terms = [LossTerm("a", torch.tensor(2.0), 0.25), LossTerm("b", torch.tensor(3.0), 4.0)]
    assert float(total_loss(terms)) == 12.5
