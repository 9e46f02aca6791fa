"""From logits over positions to keypoints and scores.

Legend: B crops, U union joints, P positions, W and H columns and rows (or x and y bins).
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from pipeline.geometry import MapGeometry
from student.network.positions import Positions


def decode(
    logits: Positions, geometry: MapGeometry, target_sigma: tuple[float, float]
) -> tuple[Float[Tensor, "b u 2"], Float[Tensor, "b u"]]:
    """Keypoints in input pixels, and scores in 0..1.

    The keypoint is the most probable position, refined by the parabola through its logit and its
    neighbours': exact for a Gaussian, whose logarithm is a parabola (the idea of DARK, Zhang et al., CVPR
    2020; a pair of 1-D parabolas here). The score is the probability within two `target_sigma` (x, y) of it.
    """
    radius_x, radius_y = (round(2 * sigma) for sigma in target_sigma)
    if geometry.kind == "simcc":
        x_BUP, y_BUP = logits
        (x_BU, mass_x_BU), (y_BU, mass_y_BU) = _decode_axis(x_BUP, radius_x), _decode_axis(y_BUP, radius_y)
        cell_BU2, score_BU = torch.stack([x_BU, y_BU], -1), mass_x_BU * mass_y_BU
    else:
        width, height = geometry.size
        cell_BU2, score_BU = _decode_heatmap(logits[0].unflatten(-1, (height, width)), radius_x, radius_y)
    scale, offset = cell_BU2.new_tensor(geometry.scale), cell_BU2.new_tensor(geometry.offset)
    return cell_BU2 * scale + offset, score_BU.clamp(0.0, 1.0)


def _decode_axis(
    logit_BUP: Float[Tensor, "b u p"], radius: int
) -> tuple[Float[Tensor, "b u"], Float[Tensor, "b u"]]:
    peak_BU = logit_BUP.argmax(-1)
    near_BUP = _within(peak_BU, logit_BUP.shape[-1], radius)
    return refined_peak(logit_BUP, peak_BU), (logit_BUP.softmax(-1) * near_BUP).sum(-1)


def _decode_heatmap(
    logit_BUHW: Float[Tensor, "b u h w"], radius_x: int, radius_y: int
) -> tuple[Float[Tensor, "b u 2"], Float[Tensor, "b u"]]:
    height, width = logit_BUHW.shape[-2:]
    peak_BU = logit_BUHW.flatten(-2).argmax(-1)
    column_BU, row_BU = peak_BU % width, peak_BU // width
    row_BUW = logit_BUHW.gather(2, row_BU[..., None, None].expand(-1, -1, 1, width)).squeeze(2)
    column_BUH = logit_BUHW.gather(3, column_BU[..., None, None].expand(-1, -1, height, 1)).squeeze(3)
    cell_BU2 = torch.stack([refined_peak(row_BUW, column_BU), refined_peak(column_BUH, row_BU)], -1)
    near_BUHW = (
        _within(row_BU, height, radius_y)[..., None] * _within(column_BU, width, radius_x)[..., None, :]
    )
    probability_BUHW = logit_BUHW.flatten(-2).softmax(-1).view_as(logit_BUHW)
    return cell_BU2, (probability_BUHW * near_BUHW).sum((-2, -1))


def _within(centre_BU: Int64[Tensor, "b u"], size: int, radius: int) -> Float[Tensor, "b u size"]:
    """1 at the positions of 0..size-1 that lie within `radius` of the centre, else 0."""
    position_P = torch.arange(size, device=centre_BU.device)
    return ((position_P - centre_BU[..., None]).abs() <= radius).float()


def refined_peak(logit_BUP: Float[Tensor, "b u p"], peak_BU: Int64[Tensor, "b u"]) -> Float[Tensor, "b u"]:
    """Vertex of the parabola through the peak and its two neighbours; at the border, the peak itself."""
    last = logit_BUP.shape[-1] - 1
    inner_BU = peak_BU.clamp(1, max(last - 1, 1))
    left, centre, right = (
        logit_BUP.gather(-1, (inner_BU + step).clamp(0, last)[..., None]).squeeze(-1) for step in (-1, 0, 1)
    )
    curvature_BU = 2 * centre - left - right
    shift_BU = (right - left) / (2 * curvature_BU.clamp_min(1e-6))
    usable_BU = (peak_BU == inner_BU) & (curvature_BU > 1e-6)
    return peak_BU + torch.where(usable_BU, shift_BU.clamp(-0.5, 0.5), 0.0)
