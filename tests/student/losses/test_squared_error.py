"""Mean squared errors between maps, by numpy."""

import math

import numpy as np
import pytest
import torch

from student.losses.squared_error import peak_squared_error, squared_error


def maps(*shape: int, seed: int) -> tuple[torch.Tensor, np.ndarray]:
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    exponentials = np.exp(values.numpy())
    return values, exponentials / exponentials.sum(-1, keepdims=True)


def test_a_heatmaps_error_is_in_units_of_the_ground_truths_peak():
    (logit, predicted), (_, target) = maps(2, 3, 20, seed=0), maps(2, 3, 20, seed=1)
    wanted = ((2 * math.pi * 1.5**2) ** 2 * (predicted - target) ** 2).mean(-1)
    value = squared_error((logit,), (torch.from_numpy(target),), sigma=(1.5, 1.5))
    assert value.numpy() == pytest.approx(wanted, rel=1e-4)


def test_a_simcc_pairs_errors_add_up():
    (x, predicted_x), (y, predicted_y) = maps(1, 1, 8, seed=0), maps(1, 1, 6, seed=1)
    (_, target_x), (_, target_y) = maps(1, 1, 8, seed=2), maps(1, 1, 6, seed=3)
    parts = [
        ((predicted - target) ** 2).mean(-1)
        for predicted, target in ((predicted_x, target_x), (predicted_y, target_y))
    ]
    targets = (torch.from_numpy(target_x), torch.from_numpy(target_y))
    value = squared_error((x, y), targets, sigma=(2.0, 2.0))
    assert value.numpy() == pytest.approx(2 * math.pi * 4 * (parts[0] + parts[1]), rel=1e-4)


def test_the_peak_normalised_error_asks_for_the_shape_only():
    logit, predicted = maps(1, 1, 10, seed=0)
    assert float(peak_squared_error((logit,), (torch.from_numpy(predicted) * 0.3,))) == pytest.approx(
        0, abs=1e-10
    )
    target = np.eye(10)[None, :1].astype(np.float32)
    wanted = ((predicted / predicted.max() - target) ** 2).mean()
    assert float(peak_squared_error((logit,), (torch.from_numpy(target),))) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("loss", [peak_squared_error, lambda *a: squared_error(*a, sigma=(1.0, 1.0))])
def test_unknown_positions_take_no_part(loss):
    logit, _ = maps(1, 1, 6, seed=0)
    target = torch.tensor([[[0.2, 0.5, 0.3, 0.0, 0.0, 0.0]]])
    known = (torch.tensor([[True, True, True, False, False, False]]),)
    assert torch.allclose(loss((logit,), (target,), known), loss((logit[..., :3],), (target[..., :3],)))


@pytest.mark.parametrize("loss", [peak_squared_error, lambda *a: squared_error(*a, sigma=(1.0, 1.0))])
def test_a_joint_of_which_nothing_is_known_costs_nothing(loss):
    logit = torch.randn(1, 1, 6, requires_grad=True)
    value = loss((logit,), (torch.zeros(1, 1, 6),), (torch.zeros(1, 6, dtype=torch.bool),))
    value.sum().backward()
    assert float(value.detach()) == 0 and logit.grad.abs().max() == 0
