"""The flip test: the mean of a teacher's maps of a crop and of its mirror image.

Legend: B crops, K joints, H and W rows and columns of a heatmap, or W bins of a SimCC vector.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float32
from torch import Tensor

from pipeline.teachers.maps import HeatmapOutput, Maps, SimCCOutput


def unflip(maps: Maps, permutation: Sequence[int], mirror: float) -> Maps:
    """Maps of the mirrored crop as maps of the crop.

    `permutation` names each joint's mirror joint; cell i of the crop shows what cell `mirror` - i of the
    mirrored crop shows, along x. Where that is no whole cell, its two neighbours are interpolated linearly;
    beyond the map, its outermost cell counts.
    """
    joints = list(permutation)
    if isinstance(maps, HeatmapOutput):
        return HeatmapOutput(_mirrored(maps.heatmap_BKHW[:, joints], mirror))
    return SimCCOutput(_mirrored(maps.x_BKW[:, joints], mirror), maps.y_BKW[:, joints])


def mean(one: Maps, other: Maps) -> Maps:
    """Cell by cell."""
    if isinstance(one, HeatmapOutput):
        return HeatmapOutput((one.heatmap_BKHW + other.heatmap_BKHW) * 0.5)
    return SimCCOutput((one.x_BKW + other.x_BKW) * 0.5, (one.y_BKW + other.y_BKW) * 0.5)


def _mirrored(values: Float32[Tensor, "*rows W"], mirror: float) -> Float32[Tensor, "*rows W"]:
    whole = math.floor(mirror + 1e-6)  # a mirror computed from sizes is whole up to rounding
    fraction = max(mirror - whole, 0.0)
    last = values.shape[-1] - 1
    cells = whole - torch.arange(last + 1, device=values.device)
    near = values[..., cells.clamp(0, last)]
    if fraction < 1e-6:
        return near
    return near * (1 - fraction) + values[..., (cells + 1).clamp(0, last)] * fraction
