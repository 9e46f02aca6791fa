"""How much each teacher is trusted, per crop and joint.

A strategy is a function of what all teachers say of a batch (and of the ground truth), so that one that
compares teachers with each other, or with labels, fits behind the same interface.

Legend: B crops, U union joints, A crops a teacher answered, R relations (teacher joint -> union joint).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from student.positions import Positions
from student.teacher_targets import TeacherTargets


@dataclass(frozen=True)
class TeacherAnswer:
    """One teacher's targets, and the positions in the batch of the crops they are for."""

    row_A: Int64[Tensor, " a"]
    targets: TeacherTargets


@dataclass(frozen=True)
class GroundTruth:
    """Labels as the student is taught them: distributions over its map, and weights (0: not labelled)."""

    positions: Positions
    weight_BU: Float[Tensor, "b u"]


@runtime_checkable
class TeacherWeighting(Protocol):
    """Weights of at least 0; a relation's own weight and what the crop lets see come on top."""

    def __call__(
        self, answers: Mapping[str, TeacherAnswer], truth: GroundTruth
    ) -> dict[str, Float[Tensor, "a r"]]: ...


@dataclass(frozen=True)
class FixedWeighting:
    """One weight per teacher, wherever its own confidence reaches `min_confidence`."""

    weights: Mapping[str, float]
    min_confidence: float

    def __call__(
        self, answers: Mapping[str, TeacherAnswer], truth: GroundTruth
    ) -> dict[str, Float[Tensor, "a r"]]:
        return {
            name: torch.where(answer.targets.confidence_AR >= self.min_confidence, self.weights[name], 0.0)
            for name, answer in answers.items()
        }
