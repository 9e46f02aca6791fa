"""The losses, and how they add up.

One loss serves ground truth and teachers, heatmaps and SimCC: the Kullback-Leibler divergence over a map's
positions. Mean squared error between heatmaps, the usual choice, hardly moves in the first hundreds of steps,
because a heatmap is almost everywhere zero; a softmax over the positions makes every one of them count.

Legend: B crops, J joints, P positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from student.positions import Positions

_UNKNOWN_LOGIT = -1e4
"""Probability 0 in float32, and unlike minus infinity no NaN where a crop knows no position at all."""


@dataclass(frozen=True)
class LossTerm:
    """A named part of the loss: `value` is logged as it is, and enters the total times `weight`."""

    name: str
    value: Float[Tensor, ""]
    weight: float


def total_loss(terms: Sequence[LossTerm]) -> Float[Tensor, ""]:
    """Sum over the terms of value * weight: nothing enters the total that is not logged."""
    return torch.stack([term.value * term.weight for term in terms]).sum()


def divergence(
    logits: Positions, targets: Positions, known: tuple[Bool[Tensor, "b _"], ...] | None = None
) -> Float[Tensor, "b j"]:
    """Per joint, the sum over axes of KL(target || softmax(logits)), in nats.

    KL(p || q) = sum_i p_i (log p_i - log q_i), Hinton et al. 2015 at temperature 1, on SimCC as in MMPose's
    `KLDiscretLoss`. The sum over axes makes a SimCC pair's value that of its outer product: KL of
    independent distributions adds up. Where `known` is False neither side has mass: q is the student's
    distribution given that the joint lies in the known part, so unknown positions get no gradient.

    Targets sum to 1 per joint and are 0 where unknown (a joint of total 0 yields 0).
    """
    masks = known if known is not None else (None,) * len(logits)
    parts = [_axis_divergence(*axis) for axis in zip(logits, targets, masks, strict=True)]
    return torch.stack(parts).sum(0)


def _axis_divergence(
    logit_BJP: Float[Tensor, "b j p"],
    target_BJP: Float[Tensor, "b j p"],
    known_BP: Bool[Tensor, "b p"] | None,
) -> Float[Tensor, "b j"]:
    if known_BP is not None:
        logit_BJP = logit_BJP.masked_fill(~known_BP[:, None], _UNKNOWN_LOGIT)
    cross_entropy_BJ = -(target_BJP * logit_BJP.log_softmax(-1)).sum(-1)
    return cross_entropy_BJ - torch.special.entr(target_BJP).sum(-1)


def supervised_mean(loss_BJ: Float[Tensor, "b j"], weight_BJ: Float[Tensor, "b j"]) -> Float[Tensor, ""]:
    """Sum of loss * weight over the number of joints of weight > 0; 0 where there is none.

    Dividing by the number, not by the sum of weights, keeps the weights' meaning: half the weight is half
    the pull, also when every joint has it.
    """
    count = (weight_BJ > 0).sum().clamp_min(1)
    return (loss_BJ * weight_BJ).sum() / count
