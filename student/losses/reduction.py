"""From a cost per crop and joint to one number.

Legend: A crops that are supervised, B crops of the batch, J joints.
"""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

Reduction = Callable[..., Float[Tensor, ""]]
"""Costs, their weights (0: not supervised), the batch's crops and the union's joints, to one number."""


def per_batch_joint(
    loss_AJ: Float[Tensor, "a j"], weight_AJ: Float[Tensor, "a j"], crops: int, joints: int
) -> Float[Tensor, ""]:
    """Sum of loss * weight over the number of joints the whole batch has, supervised or not.

    The same divisor for every term and every batch: a joint's pull is its weight's, however few others are
    supervised beside it. (A mean over the supervised ones pulls the harder on each the fewer there are.)
    """
    return (loss_AJ * weight_AJ).sum() / (crops * joints)


def batch_sum(
    loss_AJ: Float[Tensor, "a j"], weight_AJ: Float[Tensor, "a j"], crops: int, joints: int
) -> Float[Tensor, ""]:
    """Sum of loss * weight over crops and joints, over the joints there are: grows with the batch.

    As MMPose's `KLDiscretLoss` (mmpose/models/losses/classification_loss.py) adds up.
    """
    return (loss_AJ * weight_AJ).sum() / loss_AJ.shape[1]
