"""Losses against PyTorch's own KL divergence and hand calculation."""

import pytest
import torch
import torch.nn.functional as F

from student.losses.distillation import per_batch_joint
from student.losses.divergence import divergence, tempered


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
    per_batch_joint(loss, torch.zeros(1, 2), 1, 2).backward()
    assert loss.tolist() == [[0.0, 0.0]]
    assert logit.grad.abs().max() == 0


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_a_temperature_softens_both_sides_and_is_made_up_for(temperature):
    logit, target = torch.randn(2, 3, 9), distributions(2, 3, 9)
    softened = (target.log() / temperature).softmax(-1)
    wanted = F.kl_div((logit / temperature).log_softmax(-1), softened, reduction="none").sum(-1)
    value = divergence((logit,), (target,), temperature=temperature)
    assert torch.allclose(value, wanted * temperature**2, atol=1e-5)


def test_with_a_temperature_too_unknown_positions_take_no_part():
    logit, target = torch.randn(1, 1, 6), torch.tensor([[[0.2, 0.5, 0.3, 0.0, 0.0, 0.0]]])
    known = (torch.tensor([[True, True, True, False, False, False]]),)
    wanted = divergence((logit[..., :3],), (target[..., :3],), temperature=3.0)
    assert torch.allclose(divergence((logit,), (target,), known, temperature=3.0), wanted, atol=1e-5)


def test_a_low_temperature_leaves_a_distribution():
    """All powers of a wide Gaussian's probabilities would vanish in float32."""
    target = torch.exp(-((torch.arange(768.0) - 300) ** 2) / 800)[None, None]
    sharp = tempered(target / target.sum(), 0.05)
    assert float(sharp.sum()) == pytest.approx(1.0, abs=1e-5)
    assert tempered(torch.zeros(1, 1, 4), 0.5).tolist() == [[[0.0] * 4]]
