"""Affine maps of the plane as (2, 3) matrices, singly or stacked."""

import numpy as np
from jaxtyping import Float, Float64


def compose(
    outer: Float[np.ndarray, "*#n 2 3"], inner: Float[np.ndarray, "*#n 2 3"]
) -> Float64[np.ndarray, "... 2 3"]:
    """The affine that applies `inner`, then `outer`. Stacks broadcast."""
    linear = outer[..., :2].astype(np.float64)
    result = linear @ inner
    result[..., 2] += outer[..., 2]
    return result


def invert(affine: Float[np.ndarray, "*n 2 3"]) -> Float64[np.ndarray, "*n 2 3"]:
    """The affine that undoes `affine`.

    In closed form: LAPACK starts its threads for every stack of 2 x 2 matrices, milliseconds each time.
    """
    (a, b), (c, d) = np.moveaxis(affine[..., :2].astype(np.float64), (-2, -1), (0, 1))
    adjugate = np.stack([np.stack([d, -b], axis=-1), np.stack([-c, a], axis=-1)], axis=-2)
    linear = adjugate / (a * d - b * c)[..., None, None]
    return np.concatenate([linear, -linear @ affine[..., 2:]], axis=-1)


def apply(
    affine: Float[np.ndarray, "*n 2 3"], points: Float[np.ndarray, "*n k 2"]
) -> Float64[np.ndarray, "*n k 2"]:
    """`points` (x, y), k to an affine, moved by it."""
    linear = affine[..., :2].astype(np.float64)
    return points @ np.swapaxes(linear, -1, -2) + affine[..., None, :, 2]
