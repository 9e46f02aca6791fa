"""Ground truth as distributions over positions.

Legend: B crops, J joints, P positions, W and H columns and rows (or x and y bins).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.geometry import MapGeometry
from student.positions import Positions


def gaussian_targets(keypoint_BJ2: Float[Tensor, "b j 2"], geometry: MapGeometry, sigma: float) -> Positions:
    """A Gaussian around each keypoint (input pixels), normalised over the map's positions.

    `sigma` is in cells or bins. The centre is the keypoint itself, not the nearest cell (as UDP's and SimCC's
    codecs do), so the target has no quantisation bias.
    """
    offset, scale = keypoint_BJ2.new_tensor(geometry.offset), keypoint_BJ2.new_tensor(geometry.scale)
    cell_BJ2 = (keypoint_BJ2 - offset) / scale
    x_BJW, y_BJH = (
        _normalised_gaussian(cell_BJ2[..., axis], size, sigma) for axis, size in enumerate(geometry.size)
    )
    if geometry.kind == "simcc":
        return x_BJW, y_BJH
    return ((y_BJH[..., :, None] * x_BJW[..., None, :]).flatten(-2),)


def _normalised_gaussian(
    centre_BJ: Float[Tensor, "b j"], size: int, sigma: float
) -> Float[Tensor, "b j size"]:
    position_P = torch.arange(size, device=centre_BJ.device, dtype=centre_BJ.dtype)
    # A softmax of the exponent: sums to 1 even for a centre far outside, where every exponential underflows.
    return (-((position_P - centre_BJ[..., None]) ** 2) / (2 * sigma**2)).softmax(-1)
