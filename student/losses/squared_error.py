"""Mean squared error between maps, for comparison with the divergence.

Legend: B crops, J joints, P positions.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from student.losses.divergence import log_distribution, masks_of
from student.losses.position_loss import Known, LossSettings, PositionLoss
from student.network.positions import Positions


def mse(settings: LossSettings) -> PositionLoss:
    """`squared_error` in the unit of the ground truth's maps."""
    return partial(squared_error, sigma=settings.sigma)


def peak_mse(settings: LossSettings) -> PositionLoss:
    """`peak_squared_error`, which has no settings."""
    return peak_squared_error


def squared_error(
    logits: Positions, targets: Positions, known: Known | None = None, *, sigma: tuple[float, float]
) -> Float[Tensor, "b j"]:
    """Per joint, the mean over positions of (c p - c q)^2, axes added up.

    p is the target, q = softmax(logits), and c = (2 pi sigma^2)^(1/2) for each axis of a SimCC pair,
    2 pi sigma_x sigma_y for a heatmap: with it the ground truth's Gaussian has a peak of 1, as in
    SimpleBaseline (Xiao et al., ECCV 2018). `sigma` is in cells or bins.
    """
    factors = [math.sqrt(2 * math.pi) * axis for axis in sigma]
    factor = factors if len(logits) == 2 else [math.prod(factors)]
    return _mean_over_positions(logits, targets, known, lambda map_BJP, axis: factor[axis] * map_BJP)


def peak_squared_error(
    logits: Positions, targets: Positions, known: Known | None = None
) -> Float[Tensor, "b j"]:
    """The same between maps divided by their own peaks: shape counts, not how sure either side is."""
    return _mean_over_positions(logits, targets, known, lambda map_BJP, _: _peak_of_one(map_BJP))


def _mean_over_positions(
    logits: Positions, targets: Positions, known: Known | None, scaled: Callable[[Tensor, int], Tensor]
) -> Float[Tensor, "b j"]:
    """0 for joints whose target has no mass: nothing is known of them."""
    parts = []
    for axis, parts_of_axis in enumerate(zip(logits, targets, masks_of(logits, known), strict=True)):
        logit_BJP, target_BJP, known_BP = parts_of_axis
        student_BJP = log_distribution(logit_BJP, known_BP).exp()
        square_BJP = (scaled(student_BJP, axis) - scaled(target_BJP, axis)) ** 2
        positions = logit_BJP.shape[-1] if known_BP is None else known_BP.sum(-1, keepdim=True).clamp_min(1)
        parts.append(square_BJP.sum(-1) / positions)
    return torch.stack(parts).sum(0) * (targets[0].sum(-1) > 0)


def _peak_of_one(map_BJP: Float[Tensor, "b j p"]) -> Float[Tensor, "b j p"]:
    return map_BJP / map_BJP.amax(-1, keepdim=True).clamp_min(1e-12)
