"""Named parts of a loss, and their sum."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class LossTerm:
    """A named part of the loss: `value` is logged as it is, and enters the total times `weight`."""

    name: str
    value: Float[Tensor, ""]
    weight: float


def total_loss(terms: Sequence[LossTerm]) -> Float[Tensor, ""]:
    """Sum over the terms of value * weight: nothing enters the total that is not logged."""
    return torch.stack([term.value * term.weight for term in terms]).sum()
