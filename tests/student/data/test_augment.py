"""Geometric augmentation, by points that it moves."""

import dataclasses
import math

import numpy as np
import pytest

from pipeline.geometry import CropGeometry, apply, crop_affine
from pipeline.geometry.views import View
from pipeline.params import AugmentParams
from student.data.augment import (
    Augmentation,
    augmented_affine,
    draw_augmentation,
    draw_stored_view,
    mirrored_at_random,
    truncated_normal,
)

CROP = CropGeometry((96, 128), 1.25)
BOX_4 = np.array([40.0, 30.0, 60.0, 80.0])
CENTRE_12 = np.array([[70.0, 70.0]])
NOBODY = ((), np.zeros((0, 2)), np.zeros(0))


def affine(augmentation: Augmentation) -> np.ndarray:
    return augmented_affine(BOX_4, CROP, augmentation, *NOBODY, np.random.default_rng(0))


def test_no_augmentation_is_the_crop_that_inference_uses():
    assert np.array_equal(affine(Augmentation()), crop_affine(BOX_4[None], CROP)[0])


def test_a_flip_mirrors_the_crops_columns():
    points = np.array([[50.0, 60.0], [80.0, 90.0]])
    plain, flipped = (
        apply(affine(Augmentation()), points),
        apply(affine(Augmentation(View(flip=True))), points),
    )
    assert flipped[:, 0] == pytest.approx(95 - plain[:, 0])
    assert flipped[:, 1] == pytest.approx(plain[:, 1])


def test_a_rotation_keeps_the_centre_and_turns_the_rest():
    plain, turned = affine(Augmentation()), affine(Augmentation(View(rotation_degrees=90.0)))
    assert apply(turned, CENTRE_12) == pytest.approx(apply(plain, CENTRE_12), abs=1e-4)
    right = apply(turned, CENTRE_12 + [[10.0, 0.0]]) - apply(turned, CENTRE_12)
    assert np.abs(right[0, 0]) < 1e-3 and np.abs(right[0, 1]) > 5


def test_a_larger_crop_shows_people_smaller_by_the_same_factor():
    plain, larger = affine(Augmentation()), affine(Augmentation(View(scale=1.25)))
    assert larger[:, :2] == pytest.approx(plain[:, :2] / 1.25, rel=1e-5)
    assert apply(larger, CENTRE_12) == pytest.approx(apply(plain, CENTRE_12), abs=1e-4)


def test_a_shift_is_a_fraction_of_the_boxs_sides():
    shifted = affine(Augmentation(View(shift=(0.1, -0.05))))
    moved = CENTRE_12 + [[6.0, -4.0]]
    assert apply(shifted, moved) == pytest.approx(apply(affine(Augmentation()), CENTRE_12), abs=1e-4)


def test_draws_stay_in_their_ranges_and_use_them():
    params = AugmentParams(flip=0.5, rotation_degrees=40, scale=0.3, shift=0.1, half_body=0.2)
    rng = np.random.default_rng(0)
    drawn = [draw_augmentation(rng, params, 1.25) for _ in range(2000)]
    angles = np.array([a.view.rotation_degrees for a in drawn])
    assert 0.55 < (angles != 0).mean() < 0.65
    assert 35 < np.abs(angles).max() <= 40
    assert 0.7 <= min(a.view.scale for a in drawn) < 0.75 and 1.25 < max(a.view.scale for a in drawn) <= 1.3
    assert 0.09 < np.abs([a.view.shift for a in drawn]).max() <= 0.1
    assert np.mean([a.view.flip for a in drawn]) == pytest.approx(0.5, abs=0.05)
    assert np.mean([a.half_body for a in drawn]) == pytest.approx(0.2, abs=0.03)


def test_by_default_random_numbers_are_taken_as_before_there_were_other_distributions():
    params = AugmentParams(rotation_degrees=40, scale=0.3, shift=0.1)
    used, rng = np.random.default_rng(3), np.random.default_rng(3)
    for _ in range(20):
        drawn = draw_augmentation(used, params, 1.25)
        turned, angle = rng.random() < 0.6, rng.uniform(-40, 40)
        flip, scale = rng.random() < 0.5, rng.uniform(1 - 0.3, 1 + 0.3)
        shift = tuple(rng.uniform(-0.1, 0.1, size=2).tolist())
        view = View(bool(flip), angle if turned else 0.0, scale, shift)
        assert drawn == Augmentation(view, half_body=bool(rng.random() < 0.1))
    assert used.random() == rng.random()


def test_a_truncated_normal_has_its_bounds_and_its_standard_deviation():
    drawn = truncated_normal(20_000, np.random.default_rng(0))
    assert 0.99 < np.abs(drawn).max() <= 1
    # sqrt(1 - 2 * density(1) / (cdf(1) - cdf(-1))) of the standard normal: 0.2420 and 0.6827.
    assert drawn.std() == pytest.approx(math.sqrt(1 - 2 * 0.24197 / 0.68269), abs=0.01)
    assert drawn.mean() == pytest.approx(0, abs=0.02)


def test_truncnorm_holds_for_rotation_scale_and_shift():
    params = AugmentParams(distribution="truncnorm", rotation_degrees=80, scale=0.4, shift=0.16)
    rng = np.random.default_rng(0)
    views = [draw_augmentation(rng, params, 1.25).view for _ in range(4000)]
    angles = np.array([view.rotation_degrees for view in views if view.rotation_degrees])
    for drawn, reach in (
        (angles, 80),
        (np.array([view.scale for view in views]) - 1, 0.4),
        (np.array([view.shift for view in views]), 0.16),
    ):
        assert np.abs(drawn).max() <= reach * (1 + 1e-9)
        assert drawn.std() / reach == pytest.approx(0.54, abs=0.02)


def test_a_crop_is_shifted_as_often_as_asked():
    rng, params = np.random.default_rng(0), AugmentParams(shift=0.1, shift_probability=0.3)
    shifts = [draw_augmentation(rng, params, 1.25).view.shift for _ in range(4000)]
    assert np.mean([shift != (0.0, 0.0) for shift in shifts]) == pytest.approx(0.3, abs=0.03)


def test_a_shift_of_the_padded_box_is_larger_by_the_padding():
    of_box, of_padded = (
        draw_augmentation(np.random.default_rng(5), AugmentParams(shift=0.16, shift_of=side), 1.25).view
        for side in ("box", "padded")
    )
    assert of_padded.shift == pytest.approx(tuple(1.25 * part for part in of_box.shift))
    # The box is 60 x 80, padded 75 x 100: its centre (70, 70) moves by these sides times the shift drawn.
    moved = CENTRE_12 + [[75 * of_box.shift[0], 100 * of_box.shift[1]]]
    plain = affine(Augmentation())
    seen = affine(Augmentation(View(shift=of_padded.shift)))
    assert apply(seen, moved) == pytest.approx(apply(plain, CENTRE_12), abs=1e-4)


def test_switched_off_everything_stays_as_it_is():
    off = AugmentParams(flip=0, rotation_degrees=0, scale=0, shift=0, half_body=0)
    assert draw_augmentation(np.random.default_rng(0), off, 1.25) == Augmentation()


def test_a_stored_view_is_mirrored_as_often_as_asked_and_else_the_same():
    rng, params = np.random.default_rng(0), AugmentParams(flip=0.25)
    view = View(False, 12.0, 1.1, (0.1, -0.1))
    drawn = [mirrored_at_random(rng, params, view) for _ in range(4000)]
    assert np.mean([seen.flip for seen in drawn]) == pytest.approx(0.25, abs=0.03)
    assert {dataclasses.replace(seen, flip=False) for seen in drawn} == {view}
    assert not mirrored_at_random(rng, AugmentParams(flip=1.0), dataclasses.replace(view, flip=True)).flip


def test_stored_views_are_drawn_as_often_as_asked_and_evenly():
    rng, params = np.random.default_rng(0), AugmentParams(stored_views=0.6)
    drawn = [draw_stored_view(rng, params, 3) for _ in range(6000)]
    share = np.bincount(drawn, minlength=4) / len(drawn)
    assert share == pytest.approx([0.4, 0.2, 0.2, 0.2], abs=0.02)
    assert not any(draw_stored_view(rng, AugmentParams(stored_views=0.0), 3) for _ in range(100))
    assert all(draw_stored_view(rng, AugmentParams(stored_views=1.0), 1) == 1 for _ in range(100))


def test_where_nothing_is_stored_the_random_numbers_are_left_to_others():
    used, untouched = np.random.default_rng(0), np.random.default_rng(0)
    assert draw_stored_view(used, AugmentParams(stored_views=1.0), 0) == 0
    assert used.random() == untouched.random()
