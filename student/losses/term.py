"""A named part of a loss."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class LossTerm:
    """A named part of the loss: `value` is logged as it is, and enters the total times `weight`."""

    name: str
    value: Float[Tensor, ""]
    weight: float
