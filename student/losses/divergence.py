"""The Kullback-Leibler divergence over a map's positions: for ground truth and teachers, heatmaps and SimCC.

Mean squared error between heatmaps, the usual choice, hardly moves in the first hundreds of steps, because a
heatmap is almost everywhere zero; a softmax over the positions makes every one of them count.

Legend: B crops, J joints, P positions.
"""

from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from student.losses.position_loss import Known, LossSettings, PositionLoss
from student.network.positions import Positions

_UNKNOWN_LOGIT = -1e4
"""Probability 0 in float32, and unlike minus infinity no NaN where a crop knows no position at all."""


def kl(settings: LossSettings) -> PositionLoss:
    """`divergence` at the temperature of params.yaml."""
    return partial(divergence, temperature=settings.temperature)


def divergence(
    logits: Positions, targets: Positions, known: Known | None = None, temperature: float = 1.0
) -> Float[Tensor, "b j"]:
    """Per joint, the sum over axes of T^2 KL(p_T || q_T), in nats.

    KL(p || q) = sum_i p_i (log p_i - log q_i), with q_T = softmax(logits / T) and p_T = p^(1/T), normalised:
    Hinton, Vinyals and Dean 2015, whose T^2 keeps the gradients' size. On SimCC at T = 1, MMPose's
    `KLDiscretLoss` times the number of bins, over which that takes the mean. The sum over axes makes a SimCC
    pair's value that of its outer product: KL of independent distributions adds up. Where `known` is False
    neither side has mass: q is the student's distribution given that the joint lies in the known part, so
    unknown positions get no gradient.

    Targets sum to 1 per joint and are 0 where unknown (a joint of total 0 yields 0).
    """
    if temperature != 1.0:
        logits = tuple(axis_BJP / temperature for axis_BJP in logits)
        targets = tuple(tempered(axis_BJP, temperature) for axis_BJP in targets)
    parts = [axis_divergence(*axis) for axis in zip(logits, targets, masks_of(logits, known), strict=True)]
    return torch.stack(parts).sum(0) * temperature**2


def masks_of(logits: Positions, known: Known | None) -> tuple[Bool[Tensor, "b _"] | None, ...]:
    """Per axis, which positions are known; None: all."""
    return known if known is not None else (None,) * len(logits)


def tempered(target_BJP: Float[Tensor, "b j p"], temperature: float) -> Float[Tensor, "b j p"]:
    """p^(1/T), normalised: softmax(log p / T). Positions of probability 0 stay so; a joint of total 0 too."""
    # Relative to the peak, which stays 1: at a low temperature all powers of small numbers would vanish.
    relative_BJP = target_BJP / target_BJP.amax(-1, keepdim=True).clamp_min(1e-12)
    raised_BJP = relative_BJP ** (1 / temperature)
    return raised_BJP / raised_BJP.sum(-1, keepdim=True).clamp_min(1e-12)


def log_distribution(
    logit_BJP: Float[Tensor, "b j p"], known_BP: Bool[Tensor, "b p"] | None = None
) -> Float[Tensor, "b j p"]:
    """The student's log-probabilities, given that the joint lies in the known part."""
    if known_BP is not None:
        logit_BJP = logit_BJP.masked_fill(~known_BP[:, None], _UNKNOWN_LOGIT)
    return logit_BJP.log_softmax(-1)


def axis_divergence(
    logit_BJP: Float[Tensor, "b j p"],
    target_BJP: Float[Tensor, "b j p"],
    known_BP: Bool[Tensor, "b p"] | None,
) -> Float[Tensor, "b j"]:
    """KL(p || q) along one axis, at temperature 1."""
    cross_entropy_BJ = -(target_BJP * log_distribution(logit_BJP, known_BP)).sum(-1)
    return cross_entropy_BJ - torch.special.entr(target_BJP).sum(-1)
