"""What a loss over positions is given and what it answers. See docs/extending.md."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Bool, Float
from torch import Tensor

from pipeline.extensions import LOSSES
from student.network.positions import Positions

Known = tuple[Bool[Tensor, "b _"], ...]
"""Per axis, which of a crop's positions a target speaks of."""


@dataclass(frozen=True)
class LossSettings:
    """`temperature` is `distill.temperature`; `sigma`: the ground truth's deviation along x and y in cells or
    bins."""

    temperature: float
    sigma: tuple[float, float]


@runtime_checkable
class PositionLoss(Protocol):
    """A cost per crop and joint of the student's logits beside a target (sums to 1 per axis)."""

    def __call__(
        self, logits: Positions, targets: Positions, known: Known | None = None
    ) -> Float[Tensor, "b j"]: ...


def position_loss(name: str, settings: LossSettings) -> PositionLoss:
    """The loss that `distill.loss` names.

    Raises:
        KDError: there is none of this name.
    """
    build: Callable[[LossSettings], PositionLoss] = LOSSES.load(name)
    return build(settings)
