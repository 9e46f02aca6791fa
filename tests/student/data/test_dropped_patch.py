"""Patches, and the cells of a map under them."""

import numpy as np
import pytest
import torch

from pipeline.geometry import MapGeometry
from student.data.dropped_patch import NO_PATCH, draw_patch, fill_patch, known_outside

PIXELS = MapGeometry("heatmap", (8, 6), (1.0, 1.0))
STRIDE_4 = MapGeometry("heatmap", (4, 6), (4.0, 4.0), (1.5, 1.5))
"""Over 16 x 24 input pixels, cells at 1.5, 5.5, 9.5 ..."""


def known(patch: tuple[float, ...], plane: MapGeometry) -> np.ndarray:
    return known_outside(torch.tensor([patch]), plane)[0].numpy()


def test_a_drawn_patch_lies_in_the_crop_and_has_sides_of_the_shares_asked_for():
    rng = np.random.default_rng(0)
    patches = np.array([draw_patch(rng, (100, 200), (0.2, 0.4)) for _ in range(3000)]) + 0.5
    side = patches[:, 2:] - patches[:, :2]
    assert (side.min(0).tolist(), side.max(0).tolist()) == ([20, 40], [40, 80])
    assert side.mean(0) == pytest.approx([30, 60], abs=0.7)
    assert patches[:, :2].min() == 0 and patches[:, 2:].max(0).tolist() == [100, 200]


def test_a_patch_as_large_as_the_crop_is_drawn():
    assert draw_patch(np.random.default_rng(0), (10, 20), (1.0, 1.0)).tolist() == [-0.5, -0.5, 9.5, 19.5]


def test_the_pixels_that_are_painted_are_those_that_are_unknown():
    rng = np.random.default_rng(1)
    for _ in range(20):
        patch_4 = draw_patch(rng, (8, 6), (0.2, 0.9))
        image = np.zeros((6, 8, 3), np.uint8)
        fill_patch(image, patch_4, np.array([7, 8, 9], np.uint8))
        assert np.array_equal(known_outside(torch.from_numpy(patch_4)[None], PIXELS)[0], image[..., 0] == 0)


def test_a_cell_is_unknown_where_its_centre_is_under_the_patch():
    """Columns at 1.5, 5.5, 9.5, 13.5, of which 5 to 10 hides two; of the rows, -1 to 6 hides two."""
    expected = np.ones((6, 4), bool)
    expected[:2, 1:3] = False
    assert np.array_equal(known((5.0, -1.0, 10.0, 6.0), STRIDE_4), expected)


def test_no_patch_leaves_everything_known():
    assert known(tuple(NO_PATCH.tolist()), PIXELS).all()
