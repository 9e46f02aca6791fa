"""Geometric augmentation: which part of the image a training crop shows, and how it is turned.

Nothing is resampled here. All of it becomes one affine from image pixels to input pixels, so that the image
is warped once, from the original, and teachers' maps can follow.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from pipeline.geometry import CropGeometry, compose, crop_affine
from pipeline.params import AugmentParams
from student.half_body import half_body_box

ROTATION_PROBABILITY = 0.6
"""As in MMPose's `RandomBBoxTransform`: the rest of the crops stay upright, like those at test time."""


@dataclass(frozen=True)
class Augmentation:
    """What happens to one crop: mirrored or not, turned by degrees, its side and centre changed."""

    flip: bool = False
    rotation_degrees: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    half_body: bool = False


def draw_augmentation(rng: np.random.Generator, params: AugmentParams) -> Augmentation:
    """Uniform draws within the ranges of `params`."""
    turned = rng.random() < ROTATION_PROBABILITY
    angle = rng.uniform(-params.rotation_degrees, params.rotation_degrees)
    return Augmentation(
        flip=bool(rng.random() < params.flip),
        rotation_degrees=float(angle) if turned else 0.0,
        scale=float(rng.uniform(1 - params.scale, 1 + params.scale)),
        shift=tuple(rng.uniform(-params.shift, params.shift, size=2).tolist()),
        half_body=bool(rng.random() < params.half_body),
    )


def augmented_affine(
    box_4: Float[np.ndarray, "4"],
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
        box_4 = half_body_box(box_4, joints, keypoint_U2, weight_U, rng)
    centre_2 = box_4[:2] + box_4[2:] * (0.5 + np.array(augmentation.shift))
    side_2 = box_4[2:] * augmentation.scale
    box_14 = np.concatenate([centre_2 - side_2 / 2, side_2])[None].astype(np.float64)
    affine_23 = crop_affine(box_14, crop, augmentation.rotation_degrees)[0]
    return compose(mirror_affine(crop.input_size[0]), affine_23) if augmentation.flip else affine_23


def mirror_affine(width: int) -> Float64[np.ndarray, "2 3"]:
    """Input pixels of a crop to those of its mirror image: column 0 becomes column width - 1."""
    return np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0]])
