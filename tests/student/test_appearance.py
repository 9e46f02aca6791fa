"""Colour and erasing."""

import numpy as np

from pipeline.params import AugmentParams
from student.appearance import changed_appearance

IMAGE = np.random.default_rng(0).integers(60, 190, size=(64, 48, 3), dtype=np.uint8)


def changed(seed: int, **params: float) -> np.ndarray:
    settings = AugmentParams(**{"colour": 0.0, "erasing": 0.0, **params})
    return changed_appearance(IMAGE, settings, np.random.default_rng(seed))


def test_switched_off_the_pixels_stay_and_the_original_is_not_touched():
    before = IMAGE.copy()
    assert np.abs(changed(0).astype(int) - IMAGE).max() <= 1
    changed(0, colour=0.4, erasing=1.0)
    assert np.array_equal(IMAGE, before)


def test_colour_changes_every_crop_in_another_way():
    means = {round(float(changed(seed, colour=0.4).mean())) for seed in range(20)}
    assert len(means) > 5
    assert min(means) < IMAGE.mean() * 0.85 and max(means) > IMAGE.mean() * 1.15


def test_erasing_replaces_one_rectangle_by_one_colour():
    for seed in range(10):
        rows, columns = np.nonzero(np.abs(changed(seed, erasing=1.0).astype(int) - IMAGE).max(-1) > 1)
        patch = changed(seed, erasing=1.0)[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert len(np.unique(patch.reshape(-1, 3), axis=0)) == 1
        assert 0.01 < patch[..., 0].size / IMAGE[..., 0].size < 0.18
