"""From a cost per crop and joint to one number.

Legend: B crops, J joints.
"""

from collections.abc import Callable

from jaxtyping import Bool, Float
from torch import Tensor

Reduction = Callable[..., Float[Tensor, ""]]
"""Costs, their weights (0: not supervised) and which of them count, to one number."""


def supervised_mean(
    loss_BJ: Float[Tensor, "b j"],
    weight_BJ: Float[Tensor, "b j"],
    counts_BJ: Bool[Tensor, "b j"] | None = None,
) -> Float[Tensor, ""]:
    """Sum of loss * weight over the number of joints that count; 0 where there is none.

    `counts_BJ`: where supervision is possible, whatever weight it gets; None: where the weight is above 0.
    Dividing by the number, not by the sum of weights, keeps the weights' meaning: half the weight is half
    the pull, also when every joint has it.
    """
    count = (weight_BJ > 0 if counts_BJ is None else counts_BJ).sum().clamp_min(1)
    return (loss_BJ * weight_BJ).sum() / count


def batch_sum(
    loss_BJ: Float[Tensor, "b j"],
    weight_BJ: Float[Tensor, "b j"],
    counts_BJ: Bool[Tensor, "b j"] | None = None,
) -> Float[Tensor, ""]:
    """Sum of loss * weight over crops and joints, over the joints there are: grows with the batch.

    As MMPose's `KLDiscretLoss` (mmpose/models/losses/classification_loss.py) adds up.
    """
    return (loss_BJ * weight_BJ).sum() / loss_BJ.shape[1]
