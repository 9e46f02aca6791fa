"""Drift and error are those of an independent decoder and of hand calculation."""

import numpy as np
import pytest
import torch

from pipeline.store.manage.fidelity import decode_dark, heatmap_drift, map_error, simcc_drift
from pipeline.teachers.maps import HeatmapOutput, SimCCOutput


def _blob(x: float, y: float, sigma: float = 2.0) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(24.0), indexing="ij")
    return torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))


def test_dark_finds_the_centre_of_a_gaussian():
    decoded = decode_dark(torch.stack([_blob(10.3, 12.8), _blob(8.0, 20.4)])[None])
    assert decoded[0].tolist() == [
        pytest.approx([10.3, 12.8], abs=0.02),
        pytest.approx([8.0, 20.4], abs=0.02),
    ]


@pytest.mark.mm
def test_dark_equals_mmposes():
    from mmpose.codecs.utils import get_heatmap_maximum
    from mmpose.codecs.utils.refinement import refine_keypoints_dark

    noise = torch.rand(6, 32, 24, generator=torch.Generator().manual_seed(1)) * 0.05
    centres = [(3.0, 3.0), (0.0, 5.0), (23.0, 31.0), (2.2, 29.4), (12.6, 16.4), (20.9, 1.0)]
    heatmaps = noise + torch.stack([_blob(*centre) for centre in centres])
    top, _ = get_heatmap_maximum(heatmaps.numpy())
    expected = refine_keypoints_dark(top[None], heatmaps.numpy().copy(), 11)[0]
    assert decode_dark(heatmaps[None])[0].numpy() == pytest.approx(expected, abs=1e-3)


def test_drift_is_in_input_pixels():
    drift = heatmap_drift(_blob(10.0, 12.0)[None, None], _blob(10.5, 12.0)[None, None], (4.0, 4.0))
    assert drift.item() == pytest.approx(2.0, abs=0.1)  # half a cell of 4 px


def test_heatmap_error_is_a_fraction_of_the_peak_where_the_map_is_above_its_floor():
    made = HeatmapOutput(torch.tensor([[[[2.0, -1.0], [0.5, 0.2]]]]))
    stored = HeatmapOutput(torch.tensor([[[[2.0, 0.3], [0.4, 0.0]]]]))
    assert map_error(made, stored, torch.tensor([[0.2]]), None).item() == pytest.approx(0.05)
    assert map_error(made, stored, torch.tensor([[0.1]]), None).item() == pytest.approx(0.1)


def test_simcc_drift_is_the_distance_of_the_largest_bins():
    made = SimCCOutput(torch.eye(8)[None, None, 2], torch.eye(8)[None, None, 5])
    stored = SimCCOutput(torch.eye(8)[None, None, 5], torch.eye(8)[None, None, 1])
    assert simcc_drift(made, stored, (0.5, 0.5)).item() == pytest.approx(0.5 * np.hypot(3, 4))


def test_simcc_error_is_of_the_weight_in_the_softmax_and_the_worse_axis_counts():
    same = torch.tensor([[[1.0, 0.9]]])
    made, stored = SimCCOutput(same, same), SimCCOutput(same, torch.tensor([[[1.0, 0.8]]]))
    expected = np.exp(-1) - np.exp(-2)
    assert map_error(made, stored, torch.zeros(1, 1), 10.0).item() == pytest.approx(expected, abs=1e-6)


def test_drift_farther_than_float16_holds_is_the_farthest_that_it_holds():
    """DARK extrapolates the joint of a nearly flat map to anywhere."""
    drift = heatmap_drift(_blob(10.0, 12.0)[None, None], _blob(11.0, 12.0)[None, None], (1e5, 1e5))
    assert drift.item() == 65504.0 == float(np.float16(drift.item()))


def test_a_map_of_subnormal_numbers_has_no_error_rather_than_nan():
    """One over its peak is infinite in float32; it is stored as a map without a peak."""
    made = HeatmapOutput(torch.full((1, 1, 2, 2), 1e-40))
    assert map_error(made, HeatmapOutput(torch.zeros(1, 1, 2, 2)), torch.zeros(1, 1), None).item() == 0.0
