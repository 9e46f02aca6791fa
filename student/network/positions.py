"""Distributions over a map's positions: the common representation of heads, targets, losses and decoding.

A heatmap is one distribution over its cells, row by row; a pair of SimCC vectors is two, over x bins and over
y bins. Everything that takes `Positions` therefore serves both heads.

Legend: B crops, J joints, P positions, W and H columns and rows (or x and y bins) of the map.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from pipeline.geometry import MapGeometry

Positions = tuple[Float[Tensor, "b j _"], ...]


def as_cells(point_BJ2: Float[Tensor, "b j 2"], geometry: MapGeometry) -> Float[Tensor, "b j 2"]:
    """Input pixels as cells (or bins) of a map."""
    return (point_BJ2 - point_BJ2.new_tensor(geometry.offset)) / point_BJ2.new_tensor(geometry.scale)


def mirrored(
    positions: Positions, geometry: MapGeometry, input_width: int, permutation: Sequence[int]
) -> Positions:
    """A mirrored crop's positions as those of the crop: columns mirrored, left and right joints swapped.

    A half-pixel map's columns are just reversed. RTMPose's SimCC bins, the first of which is on a pixel's
    centre, are reversed and moved: with two bins a pixel, the last lies beyond the last pixel's centre, where
    the mirrored crop has none; there its outermost bin counts.
    """
    order = torch.as_tensor(permutation, device=positions[0].device)
    swapped = [axis_BJP[:, order] for axis_BJP in positions]
    column_W = _mirror_columns(geometry, input_width).to(order.device)
    if geometry.kind == "simcc":
        x_BJW, y_BJH = swapped
        return x_BJW[..., column_W], y_BJH
    width, height = geometry.size
    return (swapped[0].unflatten(-1, (height, width))[..., column_W].flatten(-2),)


def _mirror_columns(geometry: MapGeometry, input_width: int) -> Int64[Tensor, " w"]:
    """For each column of a crop's map, the one of the mirrored crop's that shows the same."""
    columns = geometry.size[0]
    return (round(geometry.mirror(input_width)) - torch.arange(columns)).clamp(0, columns - 1)


def mean_log_probability(first: Positions, second: Positions) -> Positions:
    """Logits of the mean of two sets of distributions (the flip test)."""
    return tuple(
        torch.logaddexp(a_BJP.log_softmax(-1), b_BJP.log_softmax(-1))
        for a_BJP, b_BJP in zip(first, second, strict=True)
    )
