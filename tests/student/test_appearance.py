"""Colour and coarse dropout."""

import numpy as np
import pytest

from pipeline.params import AugmentParams
from student.appearance import changed_appearance
from student.dropped_patch import NO_PATCH

IMAGE = np.random.default_rng(0).integers(60, 190, size=(64, 48, 3), dtype=np.uint8)


def changed(seed: int, **params: float) -> np.ndarray:
    return changed_and_patch(seed, **params)[0]


def changed_and_patch(seed: int, **params: float) -> tuple[np.ndarray, np.ndarray]:
    settings = AugmentParams(**{"colour": 0.0, "dropout": 0.0, **params})
    return changed_appearance(IMAGE, settings, np.random.default_rng(seed))


def test_switched_off_the_pixels_stay_and_the_original_is_not_touched():
    before = IMAGE.copy()
    assert np.abs(changed(0).astype(int) - IMAGE).max() <= 1
    changed(0, colour=0.4, dropout=1.0)
    assert np.array_equal(IMAGE, before)


def test_colour_changes_every_crop_in_another_way():
    means = {round(float(changed(seed, colour=0.4).mean())) for seed in range(20)}
    assert len(means) > 5
    assert min(means) < IMAGE.mean() * 0.85 and max(means) > IMAGE.mean() * 1.15


def test_dropout_paints_the_patch_it_tells_of_in_one_colour_and_nothing_else():
    for seed in range(10):
        image, (left, top, right, bottom) = changed_and_patch(seed, dropout=1.0)
        y, x = np.mgrid[:64, :48]
        under = (x > left) & (x < right) & (y > top) & (y < bottom)
        assert len(np.unique(image[under], axis=0)) == 1
        assert np.abs(image[~under].astype(int) - IMAGE[~under]).max() <= 1


def test_a_patch_is_dropped_as_often_as_asked():
    patches = [changed_and_patch(seed, dropout=0.25)[1] for seed in range(800)]
    assert np.mean([not np.array_equal(patch, NO_PATCH) for patch in patches]) == pytest.approx(
        0.25, abs=0.05
    )
