"""Losses on joints' coordinates instead of their maps.

Legend: B crops, J joints, P positions, W and H columns and rows (or x and y bins).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from pipeline.geometry import MapGeometry
from student.losses.divergence import log_distribution, masks_of
from student.losses.position_loss import Known
from student.network.positions import Positions, as_cells

SMALLEST_BODY = 0.02
"""Mean distance between joints, as a fraction of the crop, that a body is taken to have at least."""
SMALLEST_DISTANCE = 1e-3


def expected_place(distribution: Positions, geometry: MapGeometry) -> Float[Tensor, "b j 2"]:
    """Where a joint lies on average: x and y as fractions of the crop's width and height.

    The soft-argmax (integral regression, Sun et al., ECCV 2018), of distributions that sum to 1.
    """
    width, height = geometry.size
    if geometry.kind == "simcc":
        x_BJW, y_BJH = distribution
    else:
        plane_BJHW = distribution[0].unflatten(-1, (height, width))
        x_BJW, y_BJH = plane_BJHW.sum(-2), plane_BJHW.sum(-1)
    return torch.stack([_mean_fraction(x_BJW), _mean_fraction(y_BJH)], -1)


def _mean_fraction(marginal_BJP: Float[Tensor, "b j p"]) -> Float[Tensor, "b j"]:
    size = marginal_BJP.shape[-1]
    fraction_P = (torch.arange(size, device=marginal_BJP.device, dtype=marginal_BJP.dtype) + 0.5) / size
    return marginal_BJP @ fraction_P


def as_fractions(keypoint_BJ2: Float[Tensor, "b j 2"], geometry: MapGeometry) -> Float[Tensor, "b j 2"]:
    """Input pixels as `expected_place` has them: of a distribution that is all in one position, its place."""
    return (as_cells(keypoint_BJ2, geometry) + 0.5) / keypoint_BJ2.new_tensor(geometry.size)


def student_place(logits: Positions, geometry: MapGeometry, known: Known | None) -> Float[Tensor, "b j 2"]:
    """`expected_place` of the student, given that the joint lies where the teacher saw."""
    masks = masks_of(logits, known)
    distributions = tuple(log_distribution(*axis).exp() for axis in zip(logits, masks, strict=True))
    return expected_place(distributions, geometry)


def coordinate_error(
    place_BJ2: Float[Tensor, "b j 2"], target_BJ2: Float[Tensor, "b j 2"]
) -> Float[Tensor, "b j"]:
    """|dx| + |dy| as fractions of the crop: one scale for any teacher's and any student's map."""
    return (place_BJ2 - target_BJ2).abs().sum(-1)


def pairwise_error(
    place_BJ2: Float[Tensor, "b j 2"], target_BJ2: Float[Tensor, "b j 2"], counts_BJ: Bool[Tensor, "b j"]
) -> Float[Tensor, "b j"]:
    """How the distances between a person's joints differ: per joint, the mean over its pairs.

    Relational distillation by distance (RKD-D, Park et al., CVPR 2019) between joints instead of samples:
    smooth L1 of the distances, divided by the target's mean. (RKD divides each side by its own; an untrained
    student has all joints in one place, and its own mean distance of nearly 0 would make gradients explode.)
    A person of whom fewer than two joints count has no pairs and costs nothing.
    """
    pair_BJJ = (counts_BJ[:, :, None] & counts_BJ[:, None]) & ~torch.eye(
        counts_BJ.shape[1], dtype=torch.bool, device=counts_BJ.device
    )
    mean_B11 = _mean(_distances(target_BJ2), pair_BJJ).clamp_min(SMALLEST_BODY)
    own_BJJ, target_BJJ = (_distances(point_BJ2) / mean_B11 for point_BJ2 in (place_BJ2, target_BJ2))
    difference_BJJ = F.smooth_l1_loss(own_BJJ, target_BJJ, reduction="none") * pair_BJJ
    return difference_BJJ.sum(-1) / pair_BJJ.sum(-1).clamp_min(1)


def _distances(place_BJ2: Float[Tensor, "b j 2"]) -> Float[Tensor, "b j j"]:
    square_BJJ = ((place_BJ2[:, :, None] - place_BJ2[:, None]) ** 2).sum(-1)
    # The square root's gradient at 0, where two joints coincide, would be infinite.
    return (square_BJJ + SMALLEST_DISTANCE**2).sqrt()


def _mean(distance_BJJ: Float[Tensor, "b j j"], pair_BJJ: Bool[Tensor, "b j j"]) -> Float[Tensor, "b 1 1"]:
    pairs_B11 = pair_BJJ.sum((-2, -1), keepdim=True).clamp_min(1)
    return (distance_BJJ * pair_BJJ).sum((-2, -1), keepdim=True) / pairs_B11
