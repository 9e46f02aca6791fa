"""A label as a distribution over the student's positions: the shape of every target.

Legend: B crops, J joints, P positions, W and H columns and rows (or x and y bins).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.geometry import MapGeometry
from student.network.positions import Positions, as_cells

Sigma = tuple[float, float]
"""A Gaussian's standard deviation along x and y, in cells or bins."""


def label_targets(
    keypoint_BJ2: Float[Tensor, "b j 2"], geometry: MapGeometry, sigma: Sigma, beta: float | None
) -> Positions:
    """A Gaussian around each keypoint (input pixels), normalised over the map's positions.

    With `beta`, the softmax of beta times the Gaussian of peak 1 instead: the target that RTMPose trains with
    (`label_softmax` of MMPose's `KLDiscretLoss`, beta 10). Most of its mass may lie in the tail.
    """
    if beta is None:
        return gaussian_targets(keypoint_BJ2, geometry, sigma)
    x_BJW, y_BJH = (exponent.exp() for exponent in _exponents(keypoint_BJ2, geometry, sigma))
    if geometry.kind == "simcc":
        return (beta * x_BJW).softmax(-1), (beta * y_BJH).softmax(-1)
    plane_BJHW = y_BJH[..., :, None] * x_BJW[..., None, :]
    return ((beta * plane_BJHW).flatten(-2).softmax(-1),)


def gaussian_targets(keypoint_BJ2: Float[Tensor, "b j 2"], geometry: MapGeometry, sigma: Sigma) -> Positions:
    """A Gaussian around each keypoint (input pixels), normalised over the map's positions.

    The centre is the keypoint itself, not the nearest cell (as UDP's and SimCC's codecs do), so the target
    has no quantisation bias.
    """
    # A softmax of the exponent: sums to 1 even for a centre far outside, where every exponential underflows.
    x_BJW, y_BJH = (exponent.softmax(-1) for exponent in _exponents(keypoint_BJ2, geometry, sigma))
    if geometry.kind == "simcc":
        return x_BJW, y_BJH
    return ((y_BJH[..., :, None] * x_BJW[..., None, :]).flatten(-2),)


def _exponents(
    keypoint_BJ2: Float[Tensor, "b j 2"], geometry: MapGeometry, sigma: Sigma
) -> tuple[Float[Tensor, "b j w"], Float[Tensor, "b j h"]]:
    """Logarithms of Gaussians of peak 1 along x and y."""
    cell_BJ2 = as_cells(keypoint_BJ2, geometry)
    x_BJW, y_BJH = (
        _exponent(cell_BJ2[..., axis], size, sigma[axis]) for axis, size in enumerate(geometry.size)
    )
    return x_BJW, y_BJH


def _exponent(centre_BJ: Float[Tensor, "b j"], size: int, sigma: float) -> Float[Tensor, "b j size"]:
    position_P = torch.arange(size, device=centre_BJ.device, dtype=centre_BJ.dtype)
    return -((position_P - centre_BJ[..., None]) ** 2) / (2 * sigma**2)
