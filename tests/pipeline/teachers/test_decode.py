import numpy as np
import pytest
import torch

from pipeline.teachers.decode import decode_heatmaps, decode_simcc, decode_subcell


def gaussian(x, y, size=(24, 32), sigma=2.0):
    """A map with its top at (x, y), in cells."""
    columns, rows = np.arange(size[0]), np.arange(size[1])[:, None]
    values = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return torch.from_numpy(values.astype(np.float32))[None, None]


def test_a_peak_moves_a_quarter_cell_towards_its_higher_neighbours():
    cells, peak = decode_heatmaps(gaussian(10.3, 19.6))
    np.testing.assert_allclose(cells[0, 0], [10.25, 19.75])
    assert peak.item() == pytest.approx(np.exp(-(0.3**2 + 0.4**2) / 8))


def test_a_symmetric_peak_stays():
    np.testing.assert_allclose(decode_heatmaps(gaussian(10, 19))[0][0, 0], [10, 19])


@pytest.mark.mm
@pytest.mark.usefixtures("openmmlab")
def test_the_quarter_cell_shift_is_mmposes_on_every_cell_of_the_map():
    from mmpose.codecs import MSRAHeatmap

    codec = MSRAHeatmap(input_size=(9, 7), heatmap_size=(9, 7), sigma=2)
    maps = torch.rand(63, 1, 7, 9)
    for cell in range(63):  # a peak on every cell, corners and edges with them
        maps[cell, 0, cell // 9, cell % 9] = 2.0
    theirs = [codec.decode(one.numpy()) for one in maps]
    cells, peak = decode_heatmaps(maps)
    np.testing.assert_allclose(cells, np.stack([keypoints[0] for keypoints, _ in theirs]))
    np.testing.assert_allclose(peak, np.stack([scores[0] for _, scores in theirs]))


@pytest.mark.parametrize(("x", "y"), [(10.0, 19.0), (10.31, 19.74), (3.49, 5.51)])
def test_the_subcell_top_of_a_gaussian_is_exact(x, y):
    np.testing.assert_allclose(decode_subcell(gaussian(x, y))[0, 0], [x, y], atol=1e-3)


def test_the_subcell_top_stays_within_half_a_cell_on_flat_and_negative_maps():
    for values in (torch.zeros(1, 1, 8, 8), -torch.ones(1, 1, 8, 8), torch.rand(1, 50, 8, 8)):
        flat = values.flatten(2).argmax(2)
        highest = torch.stack([flat % 8, flat // 8], dim=-1)
        assert ((decode_subcell(values) - highest).abs() <= 0.5).all()


def test_a_simcc_joint_is_at_its_highest_bins_and_as_sure_as_the_less_sure_of_them():
    x, y = torch.zeros(1, 1, 10), torch.zeros(1, 1, 20)
    x[0, 0, 7], y[0, 0, 13] = 5.0, 3.0
    cells, confidence = decode_simcc(x, y)
    np.testing.assert_array_equal(cells[0, 0], [7, 13])
    assert confidence.item() == 3.0
