"""Colour, blur and coarse dropout."""

import importlib
from typing import Any

import numpy as np
import pytest

from pipeline.params import AugmentParams
from student.data.appearance import _recoloured, changed_appearance, shifted_hsv
from student.data.dropped_patch import NO_PATCH, draw_patch, fill_patch

IMAGE = np.random.default_rng(0).integers(60, 190, size=(64, 48, 3), dtype=np.uint8)


SPOT = np.zeros((21, 21, 3), dtype=np.uint8)
SPOT[10, 10] = 255


def changed(seed: int, image: np.ndarray = IMAGE, **params: Any) -> np.ndarray:
    return changed_and_patch(seed, image, **params)[0]


def changed_and_patch(seed: int, image: np.ndarray = IMAGE, **params: Any) -> tuple[np.ndarray, np.ndarray]:
    settings = AugmentParams(**{"colour": 0.0, "dropout": 0.0, **params})
    return changed_appearance(image, settings, np.random.default_rng(seed))


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


def test_by_default_a_patch_is_what_it_was_before_there_were_blurs_and_hues():
    used, rng = np.random.default_rng(4), np.random.default_rng(4)
    for _ in range(5):
        image, patch_4 = changed_appearance(IMAGE, AugmentParams(colour=0.0, dropout=1.0), used)
        rng.uniform(size=3), rng.random()
        expected, wanted_4 = IMAGE.copy(), draw_patch(rng, (48, 64), (0.2, 0.4))
        fill_patch(expected, wanted_4, rng.integers(256, size=3, dtype=np.uint8))
        assert np.array_equal(image, expected) and np.array_equal(patch_4, wanted_4)


@pytest.mark.parametrize(
    ("before_bgr", "shift", "after_bgr"),
    [
        ((0, 0, 255), (-60, 0, 0), (255, 0, 0)),  # red is hue 0, and -60 is 120, blue
        ((255, 0, 0), (120, 0, 0), (0, 255, 0)),  # 120 + 120 = 240, which is 60, green
        ((200, 200, 200), (0, 0, 60), (255, 255, 255)),
        ((30, 30, 30), (0, 0, -60), (0, 0, 0)),
        ((0, 0, 255), (0, -300, 0), (255, 255, 255)),  # without saturation a colour is its value
        ((0, 0, 255), (0, 30, 0), (0, 0, 255)),
    ],
)
def test_hue_goes_round_and_saturation_and_value_end_at_their_bounds(before_bgr, shift, after_bgr):
    image = np.full((2, 3, 3), before_bgr, dtype=np.uint8)
    assert np.array_equal(shifted_hsv(image, np.array(shift)), np.full((2, 3, 3), after_bgr))


def test_a_value_is_changed_in_half_of_the_crops_and_by_no_more_than_asked():
    grey = np.full((4, 4, 3), 100, dtype=np.uint8)
    values = np.array([changed(seed, grey, hsv=(0, 0, 30))[0, 0, 0] for seed in range(2000)]).astype(int)
    # Of those changed, one in 30 is by less than 1 and so not at all.
    assert np.mean(values != 100) == pytest.approx(0.5 * 29 / 30, abs=0.04)
    assert (values.min(), values.max()) == (71, 129)


@pytest.mark.mm
def test_colours_are_shifted_as_yolox_does():
    importlib.import_module("pipeline.teachers.adapters.mmpose")  # which makes MMDetection importable
    from mmdet.datasets.transforms import YOLOXHSVRandomAug

    theirs = YOLOXHSVRandomAug()
    for seed in range(5):
        np.random.seed(seed)
        shift_3 = theirs._get_hsv_gains()
        np.random.seed(seed)
        expected = theirs.transform({"img": IMAGE.copy()})["img"]
        assert np.array_equal(shifted_hsv(IMAGE, shift_3.astype(np.int64)), expected)


def test_a_blur_spreads_a_white_pixel_over_its_square():
    """Of 3, 5 or 7 pixels a side, each of 255 / side^2."""
    seen = set()
    for seed in range(40):
        blurred = changed(seed, SPOT, blur=1.0)
        under = blurred[blurred > 0]
        seen.add((int(np.sqrt(under.size / 3)), *np.unique(under).tolist()))
    assert seen == {(3, 28), (5, 10), (7, 5)}


def test_a_median_blur_takes_a_white_pixel_away_and_leaves_a_large_square():
    assert not changed(0, SPOT, median_blur=1.0).any()
    square = np.zeros_like(SPOT)
    square[5:16, 5:16] = 255
    assert np.array_equal(changed(0, square, median_blur=1.0)[10, 5:16], square[10, 5:16])


def test_a_crop_is_blurred_as_often_as_asked():
    for name in ("blur", "median_blur"):
        spots = [changed(seed, SPOT, **{name: 0.25})[10, 10, 0] for seed in range(800)]
        assert np.mean(np.array(spots) != 255) == pytest.approx(0.25, abs=0.05)


def test_a_patch_can_be_black():
    white = np.full_like(IMAGE, 255)
    for seed in range(5):
        image = changed(seed, white, dropout=1.0, dropout_colour="black")
        assert np.unique(image).tolist() == [0, 255]


def test_saturation_moves_colours_away_from_their_own_grey():
    red = np.full((4, 4, 3), (40, 40, 160), dtype=np.float32)
    grey = 0.114 * 40 + 0.587 * 40 + 0.299 * 160
    one = np.float32(1.0)
    stronger = _recoloured(red, brightness=one, contrast=one, saturation=np.float32(1.5))
    wanted = [grey + 1.5 * (40 - grey)] * 2 + [grey + 1.5 * (160 - grey)]
    np.testing.assert_allclose(stronger[0, 0], wanted, rtol=1e-5)
