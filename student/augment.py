"""Geometric augmentation: which part of the image a training crop shows, and how it is turned.

Nothing is resampled here. All of it becomes one affine from image pixels to input pixels, so that the image
is warped once, from the original, and teachers' maps can follow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float64

from pipeline.geometry import CropGeometry
from pipeline.params import AugmentParams
from pipeline.views import PLAIN, View, view_affine
from student.half_body import half_body_box

ROTATION_PROBABILITY = 0.6
"""As in MMPose's `RandomBBoxTransform`: the rest of the crops stay upright, like those at test time."""


@dataclass(frozen=True)
class Augmentation:
    """What happens to one crop: how it is seen, and whether it shows only half of the person."""

    view: View = PLAIN
    half_body: bool = False


def draw_augmentation(rng: np.random.Generator, params: AugmentParams) -> Augmentation:
    """Uniform draws within the ranges of `params`."""
    turned = rng.random() < ROTATION_PROBABILITY
    angle = rng.uniform(-params.rotation_degrees, params.rotation_degrees)
    view = View(
        flip=bool(rng.random() < params.flip),
        rotation_degrees=float(angle) if turned else 0.0,
        scale=float(rng.uniform(1 - params.scale, 1 + params.scale)),
        shift=tuple(rng.uniform(-params.shift, params.shift, size=2).tolist()),
    )
    return Augmentation(view, half_body=bool(rng.random() < params.half_body))


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
