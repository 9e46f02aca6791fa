"""Losses on places, by hand."""

import pytest
import torch

from pipeline.geometry import MapGeometry
from student.losses.coordinates import coordinate_error, expected_place, pairwise_error

HEATMAP = MapGeometry("heatmap", (4, 2), (4.0, 4.0), (1.5, 1.5))
SIMCC = MapGeometry("simcc", (4, 2), (0.5, 0.5), (-0.25, -0.25))


def test_the_mean_place_is_a_fraction_of_the_crop():
    flat = torch.zeros(1, 1, 8)
    flat[0, 0, 1], flat[0, 0, 6] = 0.5, 0.5  # column 1 of row 0, column 2 of row 1
    assert expected_place((flat,), HEATMAP)[0, 0].tolist() == pytest.approx([0.5, 0.5])
    x, y = torch.tensor([[[0.0, 0.0, 0.0, 1.0]]]), torch.tensor([[[1.0, 0.0]]])
    assert expected_place((x, y), SIMCC)[0, 0].tolist() == pytest.approx([0.875, 0.25])


def test_the_coordinate_error_is_the_sum_of_both_axes():
    predicted, target = torch.tensor([[[0.5, 0.25]]]), torch.tensor([[[0.25, 0.5]]])
    assert float(coordinate_error(predicted, target)) == 0.5


def test_a_body_in_another_place_has_the_same_relations():
    target = torch.rand(1, 5, 2, generator=torch.Generator().manual_seed(0))
    error = pairwise_error(target + 0.1, target, torch.ones(1, 5, dtype=torch.bool))
    assert error.abs().max() < 1e-6


def test_pairwise_errors_are_means_over_the_pairs_that_count():
    target = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [9.0, 9.0]]])
    predicted = torch.tensor([[[0.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 0.0]]])
    counts = torch.tensor([[True, True, True, False]])
    wanted, own = torch.tensor([1.0, 1.0, 2**0.5]), torch.tensor([2.0, 1.0, 5**0.5])
    difference = (own - wanted).abs() / wanted.mean()
    smooth = torch.where(difference < 1, 0.5 * difference**2, difference - 0.5)  # pairs 01, 02, 12
    error = pairwise_error(predicted, target, counts)[0]
    means = [smooth[[0, 1]].mean(), smooth[[0, 2]].mean(), smooth[[1, 2]].mean(), 0.0]
    assert error.tolist() == pytest.approx([float(mean) for mean in means], abs=1e-4)


def test_a_student_with_all_joints_in_one_place_has_gradients_of_the_size_of_its_error():
    predicted = (
        0.5 + 1e-4 * torch.randn(1, 17, 2, generator=torch.Generator().manual_seed(0))
    ).requires_grad_()
    target = torch.rand(1, 17, 2, generator=torch.Generator().manual_seed(1))
    pairwise_error(predicted, target, torch.ones(1, 17, dtype=torch.bool)).mean().backward()
    assert predicted.grad.norm() < 5


def test_joints_that_coincide_or_are_alone_have_finite_gradients():
    predicted = torch.zeros(1, 3, 2, requires_grad=True)
    target = torch.rand(1, 3, 2)
    for counts in ([True, True, True], [True, False, False]):
        pairwise_error(predicted, target, torch.tensor([counts])).sum().backward()
        assert torch.isfinite(predicted.grad).all()
