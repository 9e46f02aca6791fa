"""What a weighting strategy is given and what it answers.

Legend: B crops, U union joints, A crops a teacher answered, R relations (teacher joint -> union joint), C
channels.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jaxtyping import Float, Int64
from torch import Tensor

from student.losses.term import LossTerm
from student.positions import Positions
from student.teacher_targets import TeacherTargets


@dataclass(frozen=True)
class TeacherAnswer:
    """One teacher's targets, and the positions in the batch of the crops they are for."""

    row_A: Int64[Tensor, " a"]
    targets: TeacherTargets


@dataclass(frozen=True)
class Sample:
    """What else is known of a batch: labels as the student is taught them (distributions over its map, and
    weights, 0 where not labelled), the number of each crop's dataset, and the student's features, averaged
    over each crop, without gradient."""

    truth: Positions
    truth_weight_BU: Float[Tensor, "b u"]
    dataset_B: Int64[Tensor, " b"]
    feature_BC: Float[Tensor, "b c"]


Weights = dict[str, Float[Tensor, "a r"]]


class TeacherWeighting(ABC):
    """How much each teacher is trusted, per crop and joint.

    `fixed` are the weights it starts from (a `FixedWeighting`); where those are 0, so are its own.

    A strategy sees what all teachers say of a batch, so that one that compares teachers with each other, or
    with labels, fits behind the same interface. One that learns is an `nn.Module` too.
    """

    fixed: "TeacherWeighting"

    @abstractmethod
    def __call__(self, answers: Mapping[str, TeacherAnswer], sample: Sample) -> Weights:
        """By teacher, at least 0; a relation's own weight and what the crop lets see come on top."""

    def terms(self, answers: Mapping[str, TeacherAnswer], sample: Sample) -> Sequence[LossTerm]:
        """Losses that the strategy itself learns from: none, unless it learns."""
        return ()
