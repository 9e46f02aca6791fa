"""Maps as bytes and back, on the device that made them.

Legend: B crops, K joints, H, W map rows and columns (W also: bins of a SimCC vector), N cells of a map.

Both kinds of maps become weights, fractions of the map's peak: a heatmap's values divided by its peak
(negative ones are 0), a SimCC vector's exp(sharpness * (logit - largest logit)). Weights are kept in steps
of `step`/255, so none is off by more than half a step; quiet ones, which are many and carry little, share
one level, their mean.

The first largest cell, and it alone, has the highest byte. So the largest cell of what is stored is the
largest cell of the teacher's map, however close the second. Rounding alone makes the two equal, and a
decoder then picks the first: with a real RTMPose teacher that moved one joint in fifty by 5 px or more.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float32, Int64, UInt8
from torch import Tensor

UNITS = 255
"""Units of a weight: the peak is 255 of them."""
LEAST_PEAK = torch.finfo(torch.float32).tiny * UNITS
"""A heatmap whose peak is not above it is all quiet: its values have no fractions in float32."""
_TINY = 1e-30
"""Weight of what has none, where a logarithm is taken."""


@dataclass(frozen=True)
class Steps:
    """How coarse weights are kept.

    A weight is a multiple of `step` units (1 or 2: no weight above the floor is off by more than 1/255 of the
    peak). It is quiet where it is under `floor` units; and, more than `reach` cells from the map's largest
    along x or along y, where it is under `quiet` times the mean weight of its map: a diffuse map carries
    little outside its peak.
    """

    step: int
    floor: int
    quiet: float
    reach: int = 0

    @property
    def top(self) -> int:
        """The byte of the largest cell."""
        return math.ceil(UNITS / self.step)

    @property
    def highest(self) -> int:
        """The largest byte of all other cells."""
        return (UNITS - 1) // self.step


def quantise_heatmaps(
    heatmap_BKHW: Float32[Tensor, "b k h w"], steps: Steps
) -> tuple[UInt8[Tensor, "b k h w"], Float32[Tensor, "b k"], Float32[Tensor, "b k"], Float32[Tensor, "b k"]]:
    """(bytes, peak, base, floor): `base` is the mean of the quiet cells in the map's own range, `floor` the
    fraction of the peak under which a cell far from the summit is quiet.

    Maps whose peak is LEAST_PEAK or less are all quiet, with base 0.
    """
    flat_BKN = heatmap_BKHW.flatten(2)
    peak_BK1, top_BK1 = flat_BKN.max(dim=-1, keepdim=True)
    positive_BK1 = peak_BK1 > LEAST_PEAK
    weight_BKN = torch.where(positive_BK1, flat_BKN / peak_BK1, 0.0).clamp_(0.0, 1.0)
    far_BKN = _far(top_BK1, heatmap_BKHW.shape[-2:], steps.reach)
    code_BKN, level_BK1, floor_BK1 = _quantise(weight_BKN, top_BK1, positive_BK1, far_BKN, steps)
    base_BK1 = torch.where(positive_BK1, level_BK1 * peak_BK1, 0.0)
    return code_BKN.view_as(heatmap_BKHW), peak_BK1[..., 0], base_BK1[..., 0], floor_BK1[..., 0]


def quantise_simcc(
    logits_BKW: Float32[Tensor, "b k w"], steps: Steps, sharpness: float
) -> tuple[UInt8[Tensor, "b k w"], Float32[Tensor, "b k"], Float32[Tensor, "b k"], Float32[Tensor, "b k"]]:
    """One axis: (differences of neighbouring bytes, peak, base, floor).

    `peak` is the largest logit; `base` the logit whose weight is the mean weight of the quiet bins, so that a
    softmax over what is read back has the teacher's tail: together the quiet bins can weigh as much as the
    peak. The first byte is kept as it is, each other one minus the one before, modulo 256: neighbouring bins
    are alike, and this takes a third off the compressed size.
    """
    peak_BK1, top_BK1 = logits_BKW.max(dim=-1, keepdim=True)
    weight_BKW = ((logits_BKW - peak_BK1) * sharpness).exp_()
    everywhere_BK1 = torch.ones_like(peak_BK1, dtype=torch.bool)
    code_BKW, level_BK1, floor_BK1 = _quantise(weight_BKW, top_BK1, everywhere_BK1, everywhere_BK1, steps)
    base_BK1 = peak_BK1 + level_BK1.clamp(min=_TINY).log() / sharpness
    return differences(code_BKW), peak_BK1[..., 0], base_BK1[..., 0], floor_BK1[..., 0]


def _far(top_BK1: Int64[Tensor, "b k 1"], size_hw: tuple[int, int], reach: int) -> Bool[Tensor, "b k n"]:
    """Which cells of a map are more than `reach` from its largest along x or along y."""
    height, width = size_hw
    cell_N = torch.arange(height * width, device=top_BK1.device)
    rows_BKN, columns_BKN = cell_N // width - top_BK1 // width, cell_N % width - top_BK1 % width
    return (rows_BKN.abs_() > reach) | (columns_BKN.abs_() > reach)


def _quantise(
    weight_BKN: Float32[Tensor, "b k n"],
    top_BK1: Int64[Tensor, "b k 1"],
    positive_BK1: Bool[Tensor, "b k 1"],
    far_BKN: Bool[Tensor, "b k _"],
    steps: Steps,
) -> tuple[UInt8[Tensor, "b k n"], Float32[Tensor, "b k 1"], Float32[Tensor, "b k 1"]]:
    """(bytes, mean weight of the quiet cells, weight under which a far cell is quiet)."""
    mean_BK1 = weight_BKN.mean(dim=-1, keepdim=True)
    floor_BK1 = (mean_BK1 * steps.quiet).clamp(steps.floor / UNITS, 1.0)
    code_BKN = (weight_BKN * (UNITS / steps.step)).round_().clamp_(0, steps.highest).to(torch.uint8)
    code_BKN.masked_fill_((weight_BKN < floor_BK1) & far_BKN | (weight_BKN < steps.floor / UNITS), 0)
    code_BKN.scatter_(-1, top_BK1, positive_BK1.to(torch.uint8) * steps.top)
    quiet_BKN = code_BKN == 0
    count_BK1 = quiet_BKN.sum(dim=-1, keepdim=True).clamp(min=1)
    level_BK1 = (weight_BKN * quiet_BKN).sum(dim=-1, keepdim=True) / count_BK1
    return code_BKN, level_BK1, floor_BK1


def differences(code_BKW: UInt8[Tensor, "*rows w"]) -> UInt8[Tensor, "*rows w"]:
    """Each byte minus the one before it on the last axis, modulo 256; the first as it is."""
    difference_BKW = code_BKW.clone()
    difference_BKW[..., 1:] -= code_BKW[..., :-1]
    return difference_BKW


def running_sum(difference_BKW: UInt8[Tensor, "b k w"]) -> UInt8[Tensor, "b k w"]:
    """Inverse of `differences`."""
    return difference_BKW.cumsum(dim=-1, dtype=torch.int32).bitwise_and_(255).to(torch.uint8)


def dequantise_heatmaps(
    map_BKHW: UInt8[Tensor, "b k h w"],
    peak_BK: Float32[Tensor, "b k"],
    base_BK: Float32[Tensor, "b k"],
    step: int,
) -> Float32[Tensor, "b k h w"]:
    """Heatmaps in the teacher's range, in as few passes over them as can be."""
    peak_BK11 = peak_BK[..., None, None]
    value_BKHW = map_BKHW * (peak_BK11 * (step / UNITS))
    torch.minimum(value_BKHW, peak_BK11, out=value_BKHW)
    return torch.where(map_BKHW == 0, base_BK[..., None, None], value_BKHW)


def dequantise_simcc(
    difference_BKW: UInt8[Tensor, "b k w"],
    peak_BK: Float32[Tensor, "b k"],
    base_BK: Float32[Tensor, "b k"],
    step: int,
    sharpness: float,
) -> Float32[Tensor, "b k w"]:
    """Logits in the teacher's range."""
    code_BKW = running_sum(difference_BKW)
    logit_BKW = _weight(code_BKW, step).log_().div_(sharpness).add_(peak_BK[..., None])
    return torch.where(code_BKW == 0, base_BK[..., None], logit_BKW)


def _weight(code: UInt8[Tensor, "*shape"], step: int) -> Float32[Tensor, "*shape"]:
    """Fractions of the peak; 0 of the quiet."""
    return code.to(torch.float32).mul_(step).clamp_(max=UNITS).div_(UNITS)
