import numpy as np
import pytest
import torch

from pipeline.errors import KDError
from pipeline.geometry import MapGeometry
from pipeline.teachers.reduce import reduce_heatmaps, reduced_geometry, reduction_drift

MADE = MapGeometry("heatmap", (256, 256), (1.0, 1.0))


def gaussians(points, size=256, sigma=8.0):
    cells = np.arange(size)
    maps = [np.exp(-((cells - x) ** 2 + (cells[:, None] - y) ** 2) / (2 * sigma**2)) for x, y in points]
    return torch.from_numpy(np.stack(maps).astype(np.float32))[None]


def test_a_reduced_cell_lies_in_the_middle_of_its_block():
    """4 x 4 cells of one pixel: cell 0 covers pixels 0..3, whose middle is 1.5."""
    stored = reduced_geometry("t", MADE, (64, 64))
    assert stored == MapGeometry("heatmap", (64, 64), (4.0, 4.0), (1.5, 1.5))


def test_reducing_follows_an_offset_and_each_axis_by_itself():
    made = MapGeometry("heatmap", (48, 64), (4.0, 4.0), (1.5, 1.5))
    assert reduced_geometry("t", made, (24, 16)) == MapGeometry("heatmap", (24, 16), (8.0, 16.0), (3.5, 7.5))


def test_a_reduced_cell_is_the_mean_of_its_block():
    maps = torch.arange(16.0).view(1, 1, 4, 4)
    np.testing.assert_array_equal(
        reduce_heatmaps(maps, (2, 4))[0, 0], [[0.5, 2.5], [4.5, 6.5], [8.5, 10.5], [12.5, 14.5]]
    )


def test_joints_decoded_from_the_reduced_map_stay_where_they_were():
    stored = reduced_geometry("t", MADE, (64, 64))
    points = [(100.3, 50.7), (99.0, 201.5), (30.0, 31.0)]
    drift = reduction_drift(gaussians(points), MADE, stored)
    assert drift["joints"] == 3
    assert drift["drift_p50_px"] <= drift["drift_p99_px"] < 0.05


def test_a_map_too_fine_for_the_storage_size_is_reported_as_drift():
    stored = reduced_geometry("t", MADE, (16, 16))
    drift = reduction_drift(gaussians([(100.3, 50.7), (99.0, 201.5)], sigma=2.0), MADE, stored)
    assert drift["drift_p99_px"] > 0.5


def test_vague_joints_are_not_measured():
    drift = reduction_drift(gaussians([(100, 50)]) * 0.05, MADE, reduced_geometry("t", MADE, (64, 64)))
    assert drift == {"joints": 0.0}


def test_no_storage_size_leaves_the_map_as_made():
    assert reduced_geometry("t", MADE, None) is MADE
    assert reduced_geometry("t", MADE, (256, 256)) == MADE


@pytest.mark.parametrize("size", [(100, 64), (512, 512)])
def test_a_size_that_does_not_divide_is_refused(size):
    with pytest.raises(
        KDError, match=rf"storage_size \({size[0]}, {size[1]}\), but its heatmaps of \(256, 256\)"
    ):
        reduced_geometry("t", MADE, size)


def test_simcc_vectors_cannot_be_reduced():
    simcc = MapGeometry("simcc", (384, 512), (0.5, 0.5))
    with pytest.raises(KDError, match="it makes SimCC vectors.*Remove storage_size"):
        reduced_geometry("t", simcc, (192, 256))
