"""What a weighting strategy is given and what it answers.

Legend: B crops, U union joints, A crops a teacher answered, R relations (teacher joint -> union joint), C
channels.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jaxtyping import Float, Int64
from torch import Tensor

from pipeline.params import Params
from student.data.training_data import TrainingData
from student.losses.term import LossTerm
from student.targets.joint_targets import TeacherTargets


@dataclass(frozen=True)
class TeacherAnswer:
    """One teacher's targets, the positions in the batch of the crops they are for, and how likely each answer
    is right by the teacher's calibration."""

    row_A: Int64[Tensor, " a"]
    targets: TeacherTargets
    trust_AR: Float[Tensor, "a r"]


@dataclass(frozen=True)
class Evidence:
    """What else is known of a batch: labels in the student's input pixels, their weights (0 where not
    labelled), how far from the truth each joint of each person may be called right (`tolerance_BU`, input
    pixels), the number of each crop's dataset, and the student's features, averaged over each crop, without
    gradient."""

    keypoint_BU2: Float[Tensor, "b u 2"]
    truth_weight_BU: Float[Tensor, "b u"]
    tolerance_BU: Float[Tensor, "b u"]
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

    @classmethod
    def of(
        cls, fixed: "TeacherWeighting", params: Params, training_data: TrainingData, channels: int
    ) -> "TeacherWeighting":
        """For one training. `channels`: of the student's features. A strategy that is made of more than
        `fixed` is to have this method too."""
        return cls(fixed)

    @abstractmethod
    def __call__(self, answers: Mapping[str, TeacherAnswer], sample: Evidence) -> Weights:
        """By teacher, at least 0. Whether the teachers of a joint share one weight
        (`student.weighting.teacher_stack`) and a relation's own weight come on top."""

    def terms(self, answers: Mapping[str, TeacherAnswer], sample: Evidence) -> Sequence[LossTerm]:
        """Losses that the strategy itself learns from: none, unless it learns."""
        return ()
