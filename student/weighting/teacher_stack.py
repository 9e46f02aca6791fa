"""Teachers side by side: what all of them say of the same joints of the same crops.

Legend: T teachers, B crops, U union joints, A crops a teacher answered, R relations (teacher joint -> union
joint).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from student.weighting.strategy import TeacherAnswer, Weights


@dataclass(frozen=True)
class TeacherStack:
    """Answers laid out by teacher, crop and union joint; zero where there is none.

    `base_TBU` is the weight each would have by itself; an answer takes part where it is above 0.
    """

    answers: Mapping[str, TeacherAnswer]
    base_TBU: Float[Tensor, "t b u"]

    @classmethod
    def of(
        cls, answers: Mapping[str, TeacherAnswer], base: Weights, crops: int, joints: int
    ) -> "TeacherStack":
        rows = [_spread(answers[name], base[name], crops, joints) for name in answers]
        return cls(answers, torch.stack(rows))

    @property
    def votes_TBU(self) -> Bool[Tensor, "t b u"]:
        return self.base_TBU > 0

    def keypoints(self) -> Float[Tensor, "t b u 2"]:
        """Every teacher's joints, in the student's input pixels."""
        return self._laid_out({name: answer.targets.keypoint_AR2 for name, answer in self.answers.items()})

    def trust(self) -> Float[Tensor, "t b u"]:
        """How likely each answer is right by its teacher's calibration."""
        return self._laid_out({name: answer.trust_AR for name, answer in self.answers.items()})

    def _laid_out(self, values: Mapping[str, Float[Tensor, "a r *p"]]) -> Float[Tensor, "t b u *p"]:
        crops, joints = self.base_TBU.shape[1:]
        return torch.stack(
            [_spread(self.answers[name], value_AR, crops, joints) for name, value_AR in values.items()]
        )

    def distribute(self, share_TBU: Float[Tensor, "t b u"]) -> Weights:
        """Each joint's total of base weights, dealt out by `share_TBU` (sums to at most 1 over those that
        take part)."""
        return self.by_teacher(self.base_TBU.sum(0) * share_TBU * self.votes_TBU)

    def by_teacher(self, weight_TBU: Float[Tensor, "t b u"]) -> Weights:
        """Weights as every teacher's own answers have them."""
        return {
            name: weight_BU[answer.row_A[:, None], answer.targets.union_AR]
            for (name, answer), weight_BU in zip(self.answers.items(), weight_TBU, strict=True)
        }


def shared_by_joint(
    weights: Weights, base: Weights, answers: Mapping[str, TeacherAnswer], crops: int, joints: int
) -> Weights:
    """Weights such that the teachers of one joint together have the mean of theirs, base weights counting: a
    joint that three teachers answer is pulled as hard as one that one answers."""
    if not answers:
        return weights
    own, parts = (TeacherStack.of(answers, values, crops, joints) for values in (weights, base))
    # As many as take part share: each has its own weight times its part of the base.
    part_TBU = parts.base_TBU / parts.base_TBU.sum(0).clamp_min(1e-12)
    return own.by_teacher(own.base_TBU * part_TBU)


def _spread(
    answer: TeacherAnswer, value_AR: Float[Tensor, "a r *p"], crops: int, joints: int
) -> Float[Tensor, "b u *p"]:
    spread_BU = value_AR.new_zeros(crops, joints, *value_AR.shape[2:])
    spread_BU[answer.row_A[:, None], answer.targets.union_AR] = value_AR
    return spread_BU
