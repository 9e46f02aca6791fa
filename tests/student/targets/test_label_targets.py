"""Ground-truth distributions."""

import numpy as np
import pytest
import torch

from pipeline.geometry import MapGeometry
from student.targets.joint_targets import gaussian_targets, label_targets

HEATMAP = MapGeometry("heatmap", (24, 32), (4.0, 4.0), (1.5, 1.5))
SIMCC = MapGeometry("simcc", (192, 256), (0.5, 0.5), (-0.25, -0.25))


def test_a_heatmap_target_sums_to_one_around_the_keypoint():
    (flat,) = gaussian_targets(torch.tensor([[[41.3, 77.9]]]), HEATMAP, (1.5, 1.5))
    map_HW = flat[0, 0].unflatten(0, (32, 24)).numpy()
    y, x = np.mgrid[:32, :24]
    assert map_HW.sum() == pytest.approx(1.0, abs=1e-5)
    assert (map_HW * x).sum() * 4 + 1.5 == pytest.approx(41.3, abs=1e-2)
    assert (map_HW * y).sum() * 4 + 1.5 == pytest.approx(77.9, abs=1e-2)
    assert (map_HW * (x - (map_HW * x).sum()) ** 2).sum() == pytest.approx(1.5**2, rel=1e-3)


def test_simcc_targets_sum_to_one_around_the_keypoint():
    x_BJW, y_BJH = gaussian_targets(torch.tensor([[[41.3, 77.9]]]), SIMCC, (6.0, 6.0))
    assert x_BJW.shape == (1, 1, 192) and y_BJH.shape == (1, 1, 256)
    assert float((x_BJW[0, 0] * torch.arange(192)).sum()) == pytest.approx((41.3 + 0.25) * 2, abs=1e-2)
    assert float((y_BJH[0, 0] * torch.arange(256)).sum()) == pytest.approx((77.9 + 0.25) * 2, abs=1e-2)


def test_a_keypoint_far_outside_still_gives_a_finite_distribution():
    (flat,) = gaussian_targets(torch.tensor([[[-1e5, 1e6]]]), HEATMAP, (2.0, 2.0))
    assert torch.isfinite(flat).all()
    assert float(flat.sum()) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("kind", ["simcc", "heatmap"])
def test_with_beta_a_label_is_the_softmax_that_rtmpose_trains_with(kind):
    geometry = MapGeometry(kind, (12, 10), (1.0, 1.0), (0.0, 0.0))
    targets = label_targets(torch.tensor([[[4.0, 6.0]]]), geometry, (2.0, 2.0), beta=10.0)
    x, y = (torch.exp(-((torch.arange(n) - centre) ** 2) / 8) for n, centre in ((12, 4.0), (10, 6.0)))
    wanted = (x, y) if kind == "simcc" else ((y[:, None] * x).flatten(),)
    for axis, expected in zip(targets, wanted, strict=True):
        assert torch.allclose(axis[0, 0], (10 * expected).softmax(-1), atol=1e-6)


def test_a_gaussian_may_be_wider_along_one_axis():
    x_BJW, y_BJH = gaussian_targets(torch.tensor([[[41.3, 77.9]]]), SIMCC, (4.9, 5.66))
    for axis, sigma in ((x_BJW[0, 0], 4.9), (y_BJH[0, 0], 5.66)):
        bins = torch.arange(len(axis))
        assert float((axis * (bins - (axis * bins).sum()) ** 2).sum()) == pytest.approx(sigma**2, rel=1e-3)
