"""Decoding, against targets whose keypoint is known."""

import math

import pytest
import torch

from pipeline.geometry import MapGeometry
from student.network.decode import decode
from student.network.positions import mean_log_probability, mirrored
from student.targets.joint_targets import gaussian_targets

GEOMETRIES = [
    MapGeometry("heatmap", (24, 32), (4.0, 4.0), (1.5, 1.5)),
    MapGeometry("simcc", (192, 256), (0.5, 0.5), (-0.25, -0.25)),
    MapGeometry("simcc", (192, 256), (0.5, 0.5)),
]
by_geometry = pytest.mark.parametrize("geometry", GEOMETRIES, ids=["heatmap", "simcc", "rtmpose"])


def random_keypoints(seed: int = 0) -> torch.Tensor:
    """Input pixels of a 96 x 128 crop, none at its border."""
    uniform = torch.rand(4, 3, 2, generator=torch.Generator().manual_seed(seed))
    return uniform * torch.tensor([80.0, 112.0]) + 8


def logits_of(keypoints: torch.Tensor, geometry: MapGeometry, sigma: float):
    return tuple(
        axis.clamp_min(1e-30).log() for axis in gaussian_targets(keypoints, geometry, (sigma, sigma))
    )


@by_geometry
def test_a_perfect_answer_is_decoded_to_the_keypoint_itself(geometry):
    keypoints = random_keypoints()
    found, score = decode(logits_of(keypoints, geometry, 2.0), geometry, (2.0, 2.0))
    assert (found - keypoints).abs().max() < 0.02
    assert score.min() > 0.85 and score.max() <= 1


@by_geometry
def test_a_student_that_does_not_know_scores_low(geometry):
    uniform = tuple(torch.zeros_like(axis) for axis in logits_of(random_keypoints(), geometry, 2.0))
    _, score = decode(uniform, geometry, (2.0, 2.0))
    assert score.max() < 0.15


@by_geometry
def test_a_peak_at_the_border_is_decoded_inside_the_map(geometry):
    corner = torch.zeros(4, 3, 2) - 1.0
    found, _ = decode(logits_of(corner, geometry, 2.0), geometry, (2.0, 2.0))
    assert (found.abs() < 2).all()


@by_geometry
def test_mirroring_undoes_a_mirrored_crop(geometry):
    keypoints = random_keypoints()
    permutation = (1, 0, 2)
    mirror_image = torch.stack([95 - keypoints[..., 0], keypoints[..., 1]], -1)[:, list(permutation)]
    undone = mirrored(logits_of(mirror_image, geometry, 2.0), geometry, 96, permutation)
    found, _ = decode(undone, geometry, (2.0, 2.0))
    assert (found - keypoints).abs().max() < 0.02


def test_rtmposes_bins_are_mirrored_about_the_middle_pixel_not_the_middle_bin():
    """Width 4, two bins a pixel: pixel 3 - p is p's mirror image, so bin i shows what bin 6 - i shows."""
    geometry = MapGeometry("simcc", (8, 4), (0.5, 0.5))
    x, y = torch.arange(8.0).view(1, 1, 8), torch.arange(4.0).view(1, 1, 4)
    mirrored_x, same_y = mirrored((x, y), geometry, 4, (0,))
    assert mirrored_x.flatten().tolist() == [6, 5, 4, 3, 2, 1, 0, 0]
    assert torch.equal(same_y, y)


def test_the_flip_test_averages_probabilities():
    first, second = torch.randn(1, 1, 8), torch.randn(1, 1, 8)
    (mean,) = mean_log_probability((first,), (second,))
    assert torch.allclose(mean.softmax(-1), (first.softmax(-1) + second.softmax(-1)) / 2, atol=1e-6)


@pytest.mark.parametrize("sigma", [1.5, 2.0, 5.0])
def test_a_score_is_the_mass_within_two_sigma_of_the_peak(sigma):
    """Of a Gaussian on the very middle of a bin, summed up here bin by bin."""
    geometry = MapGeometry("simcc", (192, 256), (1.0, 1.0))
    logits = logits_of(torch.tensor([[[60.0, 80.0]]]), geometry, sigma)
    _, score = decode(logits, geometry, (sigma, sigma))
    weights = [math.exp(-(step**2) / (2 * sigma**2)) for step in range(-60, 61)]
    near = [math.exp(-(step**2) / (2 * sigma**2)) for step in range(-60, 61) if abs(step) <= 2 * sigma]
    assert float(score) == pytest.approx((sum(near) / sum(weights)) ** 2, abs=1e-4)
