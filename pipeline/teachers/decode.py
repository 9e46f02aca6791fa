"""Reading joints out of maps.

Legend: B crops, K joints, H and W rows and columns of a heatmap, or W bins of a SimCC vector. Points are
(x, y) in map cells.
"""

import torch
from jaxtyping import Float32, Int64
from torch import Tensor


def decode_heatmaps(
    heatmap_BKHW: Float32[Tensor, "B K H W"],
) -> tuple[Float32[Tensor, "B K 2"], Float32[Tensor, "B K"]]:
    """The highest cell, moved a quarter cell towards its higher neighbour along each axis, and its value.

    Must equal `MSRAHeatmap.decode` of mmpose/codecs/msra_heatmap.py, up to the scale and to maps without a
    positive value; including its margin of two cells at the low end, one at the high end.
    """
    column_BK, row_BK, peak_BK = _highest_cell(heatmap_BKHW)
    height, width = heatmap_BKHW.shape[2:]
    right, left = (_value_at(heatmap_BKHW, column_BK + step, row_BK) for step in (1, -1))
    below, above = (_value_at(heatmap_BKHW, column_BK, row_BK + step) for step in (1, -1))
    x_moves = (column_BK > 1) & (column_BK < width - 1) & (row_BK > 0)
    y_moves = (row_BK > 1) & (row_BK < height - 1) & (column_BK > 0)
    quarter_BK2 = 0.25 * torch.stack(
        [(right - left).sign() * x_moves, (below - above).sign() * y_moves], dim=-1
    )
    return torch.stack([column_BK, row_BK], dim=-1) + quarter_BK2, peak_BK


def decode_subcell(heatmap_BKHW: Float32[Tensor, "B K H W"]) -> Float32[Tensor, "B K 2"]:
    """The top of the parabola through the logarithms of the highest cell and its two neighbours, per axis.

    Exact for a Gaussian: it resolves a hundredth of a cell where the quarter-cell shift resolves a quarter.
    """
    column_BK, row_BK, _ = _highest_cell(heatmap_BKHW)
    x_BK, y_BK = (
        _parabola_top(
            *(_value_at(heatmap_BKHW, column_BK + step * dx, row_BK + step * dy) for step in (-1, 0, 1))
        )
        for dx, dy in ((1, 0), (0, 1))
    )
    return torch.stack([column_BK + x_BK, row_BK + y_BK], dim=-1)


def decode_simcc(
    x_BKW: Float32[Tensor, "B K Wx"], y_BKW: Float32[Tensor, "B K Wy"]
) -> tuple[Float32[Tensor, "B K 2"], Float32[Tensor, "B K"]]:
    """The highest bin along each axis, and the smaller of their two values.

    Must equal `get_simcc_maximum` of mmpose/codecs/utils/post_processing.py, up to vectors without a positive
    value.
    """
    x_peak, x_bin = x_BKW.max(dim=-1)
    y_peak, y_bin = y_BKW.max(dim=-1)
    return torch.stack([x_bin, y_bin], dim=-1).to(torch.float32), torch.minimum(x_peak, y_peak)


def _highest_cell(
    heatmap_BKHW: Float32[Tensor, "B K H W"],
) -> tuple[Int64[Tensor, "B K"], Int64[Tensor, "B K"], Float32[Tensor, "B K"]]:
    """Column, row and value."""
    peak_BK, index_BK = heatmap_BKHW.flatten(2).max(dim=-1)
    width = heatmap_BKHW.shape[3]
    return index_BK % width, index_BK // width, peak_BK


def _value_at(
    heatmap_BKHW: Float32[Tensor, "B K H W"], column_BK: Int64[Tensor, "B K"], row_BK: Int64[Tensor, "B K"]
) -> Float32[Tensor, "B K"]:
    """The map's value at a cell; beyond the border, that of the nearest cell."""
    height, width = heatmap_BKHW.shape[2:]
    index_BK = row_BK.clamp(0, height - 1) * width + column_BK.clamp(0, width - 1)
    return heatmap_BKHW.flatten(2).gather(2, index_BK[..., None])[..., 0]


def _parabola_top(
    before_BK: Float32[Tensor, "B K"], peak_BK: Float32[Tensor, "B K"], after_BK: Float32[Tensor, "B K"]
) -> Float32[Tensor, "B K"]:
    """Cells from the peak to the top of the parabola through the three logarithms; half a cell at most."""
    before, peak, after = (value.clamp_min(1e-10).log() for value in (before_BK, peak_BK, after_BK))
    curvature = before - 2 * peak + after
    top = 0.5 * (before - after) / curvature
    return torch.where(curvature < 0, top, 0.0).clamp(-0.5, 0.5)
