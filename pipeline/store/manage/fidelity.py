"""How far stored maps are from the teacher's own.

Legend: B crops, K joints, H, W map rows and columns (W also: bins), P patch side.
"""

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from pipeline.geometry import MapGeometry
from pipeline.store.format.layout import FIDELITY_NAMES, NO_CROP
from pipeline.store.format.quantise import LEAST_PEAK
from pipeline.store.manage.info import bytes_by_array
from pipeline.store.store import Store
from pipeline.teachers.maps import HeatmapOutput, Maps, SimCCOutput, TeacherOutput

SURE_PEAK = 0.3
"""Below it a map has no defined joint that could drift."""
FARTHEST = torch.finfo(torch.float16).max
"""Drift is stored as float16. DARK extrapolates the joint of a nearly flat map to anywhere, and of infinities
there is no percentile."""

_BLUR_SIZE = 11
_BLUR_SIGMA = 0.3 * ((_BLUR_SIZE - 1) * 0.5 - 1) + 0.8  # OpenCV's choice for a kernel of this size
_REACH = _BLUR_SIZE // 2 + 2  # the derivatives look two cells to each side, the blur half a kernel further


def decode_dark(heatmap_BKHW: Float32[Tensor, "b k h w"]) -> Float32[Tensor, "b k 2"]:
    """Joints (x, y) in map cells, refined to sub-cell precision by DARK (arXiv 1910.06278).

    Must equal `refine_keypoints_dark` of mmpose/codecs/utils/refinement.py with blur_kernel_size 11, but
    blurs only around the largest cell.
    """
    height, width = heatmap_BKHW.shape[-2:]
    top_BK = heatmap_BKHW.flatten(2).argmax(dim=-1)
    x_BK, y_BK = top_BK % width, top_BK // width
    log_BK55 = _blur(_patches(heatmap_BKHW, x_BK, y_BK)).clamp(min=1e-10).log()
    offset_BK2 = _newton_step(log_BK55)
    inside_BK = (x_BK > 1) & (x_BK < width - 2) & (y_BK > 1) & (y_BK < height - 2)
    cells_BK2 = torch.stack([x_BK, y_BK], dim=-1).to(torch.float32)
    return cells_BK2 + torch.where(inside_BK[..., None], offset_BK2, 0.0)


def _patches(
    heatmap_BKHW: Float32[Tensor, "b k h w"], x_BK: Tensor, y_BK: Tensor
) -> Float32[Tensor, "b k p p"]:
    """The neighbourhood of one cell per map; 0 outside the map."""
    height, width = heatmap_BKHW.shape[-2:]
    reach_P = torch.arange(-_REACH, _REACH + 1, device=heatmap_BKHW.device)
    rows_BKP, columns_BKP = y_BK[..., None] + reach_P, x_BK[..., None] + reach_P
    inside_BKPP = ((rows_BKP >= 0) & (rows_BKP < height))[..., :, None]
    inside_BKPP = inside_BKPP & ((columns_BKP >= 0) & (columns_BKP < width))[..., None, :]
    flat_BKPP = (
        rows_BKP.clamp(0, height - 1)[..., :, None] * width + columns_BKP.clamp(0, width - 1)[..., None, :]
    )
    cells_BKPP = heatmap_BKHW.flatten(2).gather(-1, flat_BKPP.flatten(2)).view(flat_BKPP.shape)
    return torch.where(inside_BKPP, cells_BKPP, 0.0)


def _blur(patch_BKPP: Float32[Tensor, "b k p p"]) -> Float32[Tensor, "b k 5 5"]:
    steps = torch.arange(_BLUR_SIZE, device=patch_BKPP.device, dtype=torch.float32) - _BLUR_SIZE // 2
    kernel = torch.exp(-0.5 * (steps / _BLUR_SIGMA) ** 2)
    kernel = kernel / kernel.sum()
    return (patch_BKPP.unfold(-1, _BLUR_SIZE, 1) @ kernel).unfold(-2, _BLUR_SIZE, 1) @ kernel


def _newton_step(log_BK55: Float32[Tensor, "b k 5 5"]) -> Float32[Tensor, "b k 2"]:
    """From the middle cell to the top of the parabola through its neighbours; 0 where there is none."""
    at = log_BK55.unbind(-2)
    value = [row_BK5.unbind(-1) for row_BK5 in at]  # value[row][column]
    dx = 0.5 * (value[2][3] - value[2][1])
    dy = 0.5 * (value[3][2] - value[1][2])
    dxx = 0.25 * (value[2][4] - 2 * value[2][2] + value[2][0])
    dyy = 0.25 * (value[4][2] - 2 * value[2][2] + value[0][2])
    dxy = 0.25 * (value[3][3] - value[1][3] - value[3][1] + value[1][1])
    determinant = dxx * dyy - dxy**2
    safe = torch.where(determinant == 0, math.inf, determinant)
    return torch.stack([(dxy * dy - dyy * dx) / safe, (dxy * dx - dxx * dy) / safe], dim=-1)


def map_drift(output: TeacherOutput, stored: Maps, geometry: MapGeometry) -> Float32[Tensor, "b k"]:
    """How far each joint, decoded from the stored map, is from the one decoded from the made map, input
    pixels.

    Heatmaps are decoded by DARK, SimCC at the largest bins. NaN where the peak (SimCC: the confidence) is
    SURE_PEAK or less.
    """
    if isinstance(output.maps, HeatmapOutput):
        made_BKHW = output.maps.heatmap_BKHW
        drift_BK = heatmap_drift(made_BKHW, stored.heatmap_BKHW, geometry.scale)
        sure_BK = made_BKHW.amax(dim=(-2, -1)) > SURE_PEAK
    else:
        drift_BK = simcc_drift(output.maps, stored, geometry.scale)
        sure_BK = torch.from_numpy(output.confidence_BK > SURE_PEAK).to(drift_BK.device)
    return drift_BK.masked_fill(~sure_BK, torch.nan)


def heatmap_drift(
    made_BKHW: Float32[Tensor, "b k h w"], stored_BKHW: Float32[Tensor, "b k h w"], scale: tuple[float, float]
) -> Float32[Tensor, "b k"]:
    """How far apart the joints decoded from two maps are, input pixels, FARTHEST at most. `scale`: input
    pixels a map cell."""
    return _distance(decode_dark(made_BKHW) - decode_dark(stored_BKHW), scale)


def simcc_drift(made: SimCCOutput, stored: SimCCOutput, scale: tuple[float, float]) -> Float32[Tensor, "b k"]:
    """The same for SimCC, whose joint is at the largest bins (MMPose's SimCCLabel decodes like that)."""
    moved_BK2 = torch.stack(
        [
            made.x_BKW.argmax(dim=-1) - stored.x_BKW.argmax(dim=-1),
            made.y_BKW.argmax(dim=-1) - stored.y_BKW.argmax(dim=-1),
        ],
        dim=-1,
    )
    return _distance(moved_BK2.to(torch.float32), scale)


def _distance(cells_BK2: Float32[Tensor, "b k 2"], scale: tuple[float, float]) -> Float32[Tensor, "b k"]:
    return (cells_BK2 * cells_BK2.new_tensor(scale)).norm(dim=-1).clamp(max=FARTHEST)


def map_error(
    made: Maps, stored: Maps, floor_BK: Float32[Tensor, "b k"], sharpness: float | None
) -> Float32[Tensor, "b k"]:
    """Largest difference of two maps' weights where the first's are at `floor_BK` or above.

    A weight is a heatmap's value (negative ones are 0) as a fraction of its peak, or exp(sharpness * logit)
    as a fraction of the largest.
    """
    if isinstance(made, HeatmapOutput):
        return _heatmap_error(made.heatmap_BKHW, stored.heatmap_BKHW, floor_BK)
    return torch.maximum(
        _simcc_error(made.x_BKW, stored.x_BKW, floor_BK, sharpness),
        _simcc_error(made.y_BKW, stored.y_BKW, floor_BK, sharpness),
    )


def _heatmap_error(
    made_BKHW: Float32[Tensor, "b k h w"],
    stored_BKHW: Float32[Tensor, "b k h w"],
    floor_BK: Float32[Tensor, "b k"],
) -> Float32[Tensor, "b k"]:
    peak_BK11 = made_BKHW.amax(dim=(-2, -1), keepdim=True)
    scale_BK11 = torch.where(peak_BK11 > LEAST_PEAK, 1.0 / peak_BK11, 0.0)
    made_BKHW, stored_BKHW = (map_BKHW.clamp(min=0.0) * scale_BK11 for map_BKHW in (made_BKHW, stored_BKHW))
    above_floor_BKHW = made_BKHW >= floor_BK[..., None, None]
    return ((made_BKHW - stored_BKHW).abs_() * above_floor_BKHW).amax(dim=(-2, -1))


def _simcc_error(
    made_BKW: Float32[Tensor, "b k w"],
    stored_BKW: Float32[Tensor, "b k w"],
    floor_BK: Float32[Tensor, "b k"],
    sharpness: float,
) -> Float32[Tensor, "b k"]:
    peak_BK1 = made_BKW.amax(dim=-1, keepdim=True)
    made_BKW, stored_BKW = (
        (sharpness * (logits_BKW - peak_BK1)).exp() for logits_BKW in (made_BKW, stored_BKW)
    )
    return ((made_BKW - stored_BKW).abs_() * (made_BKW >= floor_BK[..., None])).amax(dim=-1)


def summarise(store: Store) -> dict[str, Any]:
    """Fidelity of a complete cell, over all its rows.

    `drift_*_px` are percentiles over the joints whose peak (SimCC: confidence) is above 0.3, None where there
    are none; `max_error` is a fraction of the peak, where a map is above its floor; `floor_p50` and
    `floor_max` are percentiles of those floors. `bytes_per_crop` counts every view of a crop by itself.

    Raises:
        KDError: a shard is missing or damaged.
    """
    taken_N = store.column("crop_id") != NO_CROP
    drift, error, floor = (store.column(name)[taken_N].astype(np.float64) for name in FIDELITY_NAMES)
    measured = drift[~np.isnan(drift)].clip(max=FARTHEST)  # earlier versions stored infinity
    p50, p99, largest = np.quantile(measured, (0.5, 0.99, 1.0)).tolist() if measured.size else (None,) * 3
    rows = int(taken_N.sum())
    sizes = {name: size / rows for name, size in bytes_by_array(store).items()}
    return {
        "joints_measured": int(measured.size),
        "drift_p50_px": p50,
        "drift_p99_px": p99,
        "drift_max_px": largest,
        "max_error": float(error.max()),
        "floor_p50": float(np.median(floor)),
        "floor_max": float(floor.max()),
        "rows": rows,
        "bytes_per_crop": {**sizes, "total": sum(sizes.values())},
    }
