"""Losses over positions by the names they have in params.yaml."""

from functools import partial
from typing import Literal, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from student.losses.divergence import Known, divergence
from student.losses.squared_error import peak_squared_error, squared_error
from student.network.positions import Positions

LossName = Literal["kl", "mse", "peak_mse"]


@runtime_checkable
class PositionLoss(Protocol):
    """A cost per crop and joint of what the student says (logits) beside a target (sums to 1 per axis)."""

    def __call__(
        self, logits: Positions, targets: Positions, known: Known | None = None
    ) -> Float[Tensor, "b j"]: ...


def position_loss(name: LossName, temperature: float, sigma: tuple[float, float]) -> PositionLoss:
    """`sigma`: the ground truth's deviation along x and y in cells or bins, the unit of a map's height for
    `mse`."""
    if name == "mse":
        return partial(squared_error, sigma=sigma)
    if name == "peak_mse":
        return peak_squared_error
    return partial(divergence, temperature=temperature)
