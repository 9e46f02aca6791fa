"""Geometric augmentation: which part of the image a training crop shows, and how it is turned.

Nothing is resampled here. All of it becomes one affine from image pixels to input pixels, so that the image
is warped once, from the original, and teachers' maps can follow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float64

from pipeline.geometry import CropGeometry
from pipeline.geometry.views import PLAIN, View, view_affine
from pipeline.params import AugmentParams
from student.data.half_body import half_body_box

ROTATION_PROBABILITY = 0.6
"""As in MMPose's `RandomBBoxTransform`: the rest of the crops stay upright, like those at test time."""


@dataclass(frozen=True)
class Augmentation:
    """What happens to one crop: how it is seen, and whether it shows only half of the person."""

    view: View = PLAIN
    half_body: bool = False


def draw_augmentation(rng: np.random.Generator, params: AugmentParams, padding: float) -> Augmentation:
    """Draws within the ranges of `params`; `padding` is the crop's.

    A setting that is off takes no random number from the others, so that crops stay what they were before
    there was such a setting.
    """
    turned = rng.random() < ROTATION_PROBABILITY
    (angle,) = _around(0.0, params.rotation_degrees, 1, params, rng).tolist()
    flip = bool(rng.random() < params.flip)
    (scale,) = _around(1.0, params.scale, 1, params, rng).tolist()
    view = View(flip, angle if turned else 0.0, scale, _shift(params, padding, rng))
    return Augmentation(view, half_body=bool(rng.random() < params.half_body))


def _shift(params: AugmentParams, padding: float, rng: np.random.Generator) -> tuple[float, float]:
    """In fractions of the box's sides, whatever `params.shift` is a fraction of."""
    sides = padding if params.shift_of == "padded" else 1.0
    x, y = (_around(0.0, params.shift, 2, params, rng) * sides).tolist()
    if params.shift_probability < 1 and rng.random() >= params.shift_probability:
        return 0.0, 0.0
    return x, y


def _around(
    middle: float, reach: float, count: int, params: AugmentParams, rng: np.random.Generator
) -> Float64[np.ndarray, " n"]:
    """So many numbers from [middle - reach, middle + reach]."""
    if params.distribution == "truncnorm":
        return middle + reach * truncated_normal(count, rng)
    return rng.uniform(middle - reach, middle + reach, size=count)


def truncated_normal(count: int, rng: np.random.Generator) -> Float64[np.ndarray, " n"]:
    """Of the standard normal distribution between -1 and 1; what falls outside is drawn again."""
    drawn_N = rng.standard_normal(count)
    while (outside_N := np.abs(drawn_N) > 1).any():
        drawn_N[outside_N] = rng.standard_normal(int(outside_N.sum()))
    return drawn_N


def draw_stored_view(rng: np.random.Generator, params: AugmentParams, count: int) -> int:
    """One of a crop's `count` stored views by its number, from 1, each as likely; 0: draw an augmentation.

    Where nothing is stored nothing is drawn, so such a training goes as if views did not exist.
    """
    if count == 0 or rng.random() >= params.stored_views:
        return 0
    return int(rng.integers(1, count, endpoint=True))


def mirrored_at_random(rng: np.random.Generator, params: AugmentParams, view: View) -> View:
    """A stored view as it is, or its mirror image: a map is mirrored without loss when it is warped."""
    return replace(view, flip=view.flip ^ bool(rng.random() < params.flip))


def augmented_affine(
    box_4: Float64[np.ndarray, "4"],
    crop: CropGeometry,
    augmentation: Augmentation,
    joints: Sequence[str],
    keypoint_U2: Float[np.ndarray, "u 2"],
    weight_U: Float[np.ndarray, " u"],
    rng: np.random.Generator,
) -> Float64[np.ndarray, "2 3"]:
    """Image pixels to input pixels of the augmented crop.

    `box_4` is x, y, width, height; the named joints, their image pixels and weights (0: not labelled) serve
    the half-body crop only.
    """
    if augmentation.half_body:
        box_4 = half_body_box(box_4, joints, keypoint_U2, weight_U, rng).astype(np.float64)
    return view_affine(box_4, crop, augmentation.view)
