"""How much of a stored map is one peak at the teacher's own joint.

It says how sure a map is and needs the map but not the student's crop: so a loader's worker computes it, and
only the maps that are not one peak are passed on.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.store.format.map_codec import MapCodec
from pipeline.teachers.maps import HeatmapOutput, Maps
from student.calibration.teacher_calibration import Calibration

WINDOW = 3.0
"""Half the side of the window around a joint, in standard deviations of a sure answer's peak."""
CACHED_CROPS = 4
"""Crops taken at a time: whole maps of a batch as floats would fill new memory at every step, and its pages
cost more than the arithmetic."""


def mode_share(
    stored: dict[str, Tensor],
    codec: MapCodec,
    cell_BK2: Float[Tensor, "b k 2"],
    calibration: Calibration,
) -> Float[Tensor, "b k"]:
    """The share of each map's mass within the window around `cell_BK2` (x, y in cells or bins), relative to
    that of a sure answer: 1 and more is one peak, 0 a map that lies elsewhere or has no mass."""
    parts = []
    for start in range(0, len(cell_BK2), CACHED_CROPS):
        rows = slice(start, start + CACHED_CROPS)
        maps = codec.decode({name: array[rows] for name, array in stored.items()})
        parts.append(_raw_share(maps, codec.sharpness, cell_BK2[rows], calibration))
    raw_BK = torch.cat(parts) if parts else cell_BK2.new_zeros(cell_BK2.shape[:2])
    return raw_BK / calibration.sure_share


def _raw_share(
    maps: Maps, sharpness: float | None, cell_BK2: Float[Tensor, "b k 2"], calibration: Calibration
) -> Float[Tensor, "b k"]:
    if isinstance(maps, HeatmapOutput):
        density_BKHW = raised(maps.heatmap_BKHW, calibration.exponent)
        height, width = density_BKHW.shape[-2:]
        x_BKW, y_BKH = windows(cell_BK2, (width, height), calibration.spread)
        near_BK = ((density_BKHW @ x_BKW[..., None])[..., 0] * y_BKH).sum(-1)
        return near_BK / density_BKHW.sum((-2, -1)).clamp_min(1e-12)
    x_BKW, y_BKH = windows(cell_BK2, (maps.x_BKW.shape[-1], maps.y_BKW.shape[-1]), calibration.spread)
    shares = (
        (axis_probability(logit_BKP, sharpness, calibration.exponent) * window_BKP).sum(-1)
        for logit_BKP, window_BKP in ((maps.x_BKW, x_BKW), (maps.y_BKW, y_BKH))
    )
    share_x_BK, share_y_BK = shares
    return share_x_BK * share_y_BK


def windows(
    cell_BK2: Float[Tensor, "b k 2"], size: tuple[int, int], spread: tuple[float, float]
) -> tuple[Float[Tensor, "b k w"], Float[Tensor, "b k h"]]:
    """Per axis, 1 at the cells within WINDOW spreads of the joint, falling to 0 over one cell."""
    x_BKW, y_BKH = (_window(cell_BK2[..., axis], size[axis], WINDOW * spread[axis]) for axis in (0, 1))
    return x_BKW, y_BKH


def _window(centre_BK: Float[Tensor, "b k"], size: int, half: float) -> Float[Tensor, "b k size"]:
    position_P = torch.arange(size, device=centre_BK.device, dtype=centre_BK.dtype)
    return (half + 0.5 - (position_P - centre_BK[..., None]).abs()).clamp(0.0, 1.0)


def raised(map_BKHW: Float[Tensor, "b k h w"], exponent: float) -> Float[Tensor, "b k h w"]:
    """A heatmap to a power, negative values as 0; at 1.5 much faster on a CPU than `pow`."""
    map_BKHW = map_BKHW.clamp(min=0.0)
    if exponent == 1.0:
        return map_BKHW
    return map_BKHW * map_BKHW.sqrt() if exponent == 1.5 else map_BKHW**exponent


def axis_probability(
    logit_BKP: Float[Tensor, "b k p"], sharpness: float | None, exponent: float
) -> Float[Tensor, "b k p"]:
    """One SimCC vector as a distribution: a power of the softmax over sharpness * logit."""
    return (logit_BKP * ((sharpness or 1.0) * exponent)).softmax(-1)
