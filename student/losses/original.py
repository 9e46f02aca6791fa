"""The sum of losses as the code of arXiv 2405.20084 forms it, for comparison: with its defects.

Its distiller returns every term and, beside them, their weighted total, and MMEngine adds up all that are
called a loss: each term counts twice. Only the term that was written last, the second teacher's, decays.
Terms are sums over the batch, so the batch's size scales the gradient.

Legend: B crops, J joints, P positions.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from student.losses.divergence import axis_divergence, masks_of
from student.losses.position_loss import Known
from student.losses.term import LossTerm
from student.network.positions import Positions


def mean_divergence(
    logits: Positions, targets: Positions, known: Known | None = None
) -> Float[Tensor, "b j"]:
    """KL per joint as MMPose's `KLDiscretLoss` has it: the mean over an axis's bins, axes added up."""
    parts = [
        axis_divergence(logit_BJP, target_BJP, known_BP) / logit_BJP.shape[-1]
        for logit_BJP, target_BJP, known_BP in zip(logits, targets, masks_of(logits, known), strict=True)
    ]
    return torch.stack(parts).sum(0)


def counted_twice(terms: Sequence[LossTerm], decay: float) -> list[LossTerm]:
    """Ground truth and teachers, in this order, with the weights that the original's sum comes to.

    `terms` have the weights that were meant: that of the ground truth, w, becomes 1 + w (the bare term, and
    its share of the total); a teacher's (its own is in its value) doubles; the last one's falls by `decay`.
    """
    truth, *teachers = terms
    doubled = [replace(term, weight=2 * term.weight) for term in teachers]
    if doubled:
        doubled[-1] = replace(doubled[-1], weight=doubled[-1].weight * decay)
    return [replace(truth, weight=1 + truth.weight), *doubled]
