"""How far stored maps are from what the teacher said.

Legend: B crops, K joints, H, W map rows and columns (W also: bins), P patch side.
"""

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from pipeline.store.info import bytes_by_array
from pipeline.store.store import Store
from pipeline.teachers.maps import SimCCOutput

MIN_PEAK = 0.3
"""Below it a map has no place that a joint could drift from."""

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


def heatmap_drift(
    made_BKHW: Float32[Tensor, "b k h w"], stored_BKHW: Float32[Tensor, "b k h w"], scale: tuple[float, float]
) -> Float32[Tensor, "b k"]:
    """How far apart the joints decoded from two maps are, input pixels. `scale`: input pixels a map cell."""
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
    return (cells_BK2 * cells_BK2.new_tensor(scale)).norm(dim=-1)


def heatmap_error(
    made_BKHW: Float32[Tensor, "b k h w"], stored_BKHW: Float32[Tensor, "b k h w"]
) -> Float32[Tensor, "b k"]:
    """Largest difference, as a fraction of the map's peak; 0 where there is no positive peak.

    Negative values count as 0, which is what they are stored as: a regression's noise around nothing.
    """
    positive_BKHW = made_BKHW.clamp(min=0.0)
    peak_BK = positive_BKHW.amax(dim=(-2, -1))
    difference_BK = (positive_BKHW - stored_BKHW).abs_().amax(dim=(-2, -1))
    return torch.where(peak_BK > 0, difference_BK / peak_BK.clamp(min=torch.finfo(torch.float32).tiny), 0.0)


def simcc_error(
    made_BKW: Float32[Tensor, "b k w"], stored_BKW: Float32[Tensor, "b k w"], beta: float | None
) -> Float32[Tensor, "b k"]:
    """Largest difference of a bin's weight exp(beta * logit), as a fraction of the peak's weight."""
    peak_BK1 = made_BKW.amax(dim=-1, keepdim=True)
    sharpness = 1.0 if beta is None else beta
    made_BKW, stored_BKW = (sharpness * (logits - peak_BK1) for logits in (made_BKW, stored_BKW))
    return (made_BKW.exp() - stored_BKW.exp()).abs().amax(dim=-1)


def summarise(store: Store) -> dict[str, Any]:
    """Fidelity of a complete cell, over all its crops.

    `drift_*_px` are percentiles over the joints whose peak (SimCC: confidence) is above 0.3, None where there
    are none; `max_error` is a fraction of the peak.

    Raises:
        KDError: a shard is missing or damaged.
    """
    drift = store.column("drift").astype(np.float64)
    measured = drift[~np.isnan(drift)]
    p50, p99, largest = np.quantile(measured, (0.5, 0.99, 1.0)).tolist() if measured.size else (None,) * 3
    crops = store.layout.num_crops
    sizes = {name: size / crops for name, size in bytes_by_array(store).items()}
    return {
        "joints_measured": int(measured.size),
        "drift_p50_px": p50,
        "drift_p99_px": p99,
        "drift_max_px": largest,
        "max_error": float(store.column("error").max()),
        "bytes_per_crop": {**sizes, "total": sum(sizes.values())},
    }
