"""Distributions over a map's positions: the one language of heads, targets, losses and decoding.

A heatmap is one distribution over its cells, row by row; a pair of SimCC vectors is two, over x bins and over
y bins. Everything that takes `Positions` therefore serves both heads.

Legend: B crops, J joints, P positions, W and H columns and rows (or x and y bins) of the map.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.geometry import MapGeometry

Positions = tuple[Float[Tensor, "b j _"], ...]


def mirrored(positions: Positions, geometry: MapGeometry, permutation: Sequence[int]) -> Positions:
    """What a mirrored crop's positions say of the crop: columns reversed, left and right joints swapped.

    Exact only for maps that mirror onto themselves, which the student's half-pixel geometry does.
    """
    order = torch.as_tensor(permutation, device=positions[0].device)
    swapped = [axis_BJP[:, order] for axis_BJP in positions]
    if geometry.kind == "simcc":
        x_BJW, y_BJH = swapped
        return x_BJW.flip(-1), y_BJH
    width, height = geometry.size
    return (swapped[0].unflatten(-1, (height, width)).flip(-1).flatten(-2),)


def mean_log_probability(first: Positions, second: Positions) -> Positions:
    """Logits of the mean of two sets of distributions (the flip test)."""
    return tuple(
        torch.logaddexp(a_BJP.log_softmax(-1), b_BJP.log_softmax(-1))
        for a_BJP, b_BJP in zip(first, second, strict=True)
    )
