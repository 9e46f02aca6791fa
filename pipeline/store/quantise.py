"""Maps as bytes and back, on the device that made them.

Legend: B crops, K joints, H, W map rows and columns (W also: bins of a SimCC vector).

The first largest cell, and it alone, is 255; the others are rounded to steps of 1/255 and are at most 254. So
the largest cell of what is stored is the largest cell of what the teacher said, however close the second.
Rounding alone makes the two equal, and a decoder then picks the first: with a real RTMPose teacher that
moved one joint in fifty by 5 px or more.
"""

import math

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

TOP = 255


def quantise_heatmaps(
    heatmap_BKHW: Float32[Tensor, "b k h w"], floor: int
) -> tuple[UInt8[Tensor, "b k h w"], Float32[Tensor, "b k"]]:
    """Maps in steps of 1/255 of their own peak, and the peaks.

    Steps under `floor` become 0, and so do negative values and maps whose peak is not positive. No value is
    off by more than max(1, floor) / 255 of its peak.
    """
    flat_BKN = heatmap_BKHW.flatten(2)
    peak_BK1, top_BK1 = flat_BKN.max(dim=-1, keepdim=True)
    positive_BK1 = peak_BK1 > torch.finfo(torch.float32).tiny * TOP
    steps_BKN = flat_BKN * torch.where(positive_BK1, TOP / peak_BK1, 0.0)
    steps_BKN = steps_BKN.round_().clamp_(0, TOP - 1)
    steps_BKN[steps_BKN < floor] = 0.0
    bytes_BKN = steps_BKN.to(torch.uint8).scatter_(-1, top_BK1, positive_BK1.to(torch.uint8) * TOP)
    return bytes_BKN.view_as(heatmap_BKHW), peak_BK1[..., 0]


def dequantise_heatmaps(
    map_BKHW: UInt8[Tensor, "b k h w"], peak_BK: Float32[Tensor, "b k"]
) -> Float32[Tensor, "b k h w"]:
    """Heatmaps in the teacher's range."""
    return map_BKHW.to(torch.float32) * (peak_BK / TOP)[..., None, None]


def quantise_simcc(
    logits_BKW: Float32[Tensor, "b k w"], floor: int, beta: float | None
) -> tuple[UInt8[Tensor, "b k w"], Float32[Tensor, "b k"], Float32[Tensor, "b k"]]:
    """One axis of SimCC logits in 255 steps from `base` to `peak`: (bytes, peak, base).

    A bin is quiet where its probability, softmax of `beta` * logits, is under `floor`/255 of the largest
    probability. Quiet bins are stored as 0 and read back as `base`, the one level that keeps the sum of their
    probabilities: log(mean(exp(beta * logits of quiet bins))) / beta. Together they can weigh as much as the
    peak, so a student trained on a softmax that lacks them would learn another distribution. Every other
    bin is off by at most 1/255 of peak - base.

    Without `beta` (a teacher whose loss is unknown) a bin is quiet where its logit is under `floor`/255
    of the way from the lowest to the highest, and `base` is the quiet bins' mean.
    """
    peak_BK1, top_BK1 = logits_BKW.max(dim=-1, keepdim=True)
    lowest_BK1 = logits_BKW.amin(dim=-1, keepdim=True)
    if beta is None:
        threshold_BK1 = lowest_BK1 + floor / TOP * (peak_BK1 - lowest_BK1)
    else:
        threshold_BK1 = peak_BK1 + (math.log(floor / TOP) / beta if floor else -math.inf)
    quiet_BKW = logits_BKW < threshold_BK1
    base_BK1 = _level(logits_BKW, quiet_BKW, beta)
    base_BK1 = torch.where(quiet_BKW.any(dim=-1, keepdim=True), base_BK1, lowest_BK1)
    range_BK1 = (peak_BK1 - base_BK1).clamp(min=torch.finfo(torch.float32).tiny)
    steps_BKW = ((logits_BKW - base_BK1) / range_BK1 * TOP).round_().clamp_(1, TOP - 1)
    steps_BKW[quiet_BKW] = 0.0
    bytes_BKW = steps_BKW.to(torch.uint8).scatter_(-1, top_BK1, TOP)
    return bytes_BKW, peak_BK1[..., 0], base_BK1[..., 0]


def _level(
    logits_BKW: Float32[Tensor, "b k w"], quiet_BKW: Tensor, beta: float | None
) -> Float32[Tensor, "b k 1"]:
    """Level of the quiet bins; meaningless where there are none."""
    count_BK1 = quiet_BKW.sum(dim=-1, keepdim=True).clamp(min=1)
    if beta is None:
        return torch.where(quiet_BKW, logits_BKW, 0.0).sum(dim=-1, keepdim=True) / count_BK1
    masked_BKW = torch.where(quiet_BKW, beta * logits_BKW, -math.inf)
    return (masked_BKW.logsumexp(dim=-1, keepdim=True) - count_BK1.log()) / beta


def dequantise_simcc(
    bytes_BKW: UInt8[Tensor, "b k w"], peak_BK: Float32[Tensor, "b k"], base_BK: Float32[Tensor, "b k"]
) -> Float32[Tensor, "b k w"]:
    """Logits in the teacher's range."""
    return base_BK[..., None] + bytes_BKW.to(torch.float32) * ((peak_BK - base_BK) / TOP)[..., None]
