"""Teachers side by side: what all of them say of the same joints of the same crops.

Legend: T teachers, B crops, U union joints, A crops a teacher answered, R relations (teacher joint -> union
joint), P positions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from student.weighting.strategy import TeacherAnswer, Weights


@dataclass(frozen=True)
class Panel:
    """Answers laid out by teacher, crop and union joint; zero where there is none.

    `base_TBU` is the weight each would have by itself; an answer takes part where it is above 0.
    """

    answers: Mapping[str, TeacherAnswer]
    base_TBU: Float[Tensor, "t b u"]

    @classmethod
    def of(cls, answers: Mapping[str, TeacherAnswer], base: Weights, crops: int, joints: int) -> "Panel":
        rows = [_spread(answers[name], base[name], crops, joints) for name in answers]
        return cls(answers, torch.stack(rows))

    @property
    def votes_TBU(self) -> Bool[Tensor, "t b u"]:
        return self.base_TBU > 0

    def positions(self) -> tuple[Float[Tensor, "t b u _"], ...]:
        """Every teacher's distributions, per axis of the student's map."""
        crops, joints = self.base_TBU.shape[1:]
        axes = len(next(iter(self.answers.values())).targets.positions)
        return tuple(
            torch.stack(
                [
                    _spread(answer, answer.targets.positions[axis], crops, joints)
                    for answer in self.answers.values()
                ]
            )
            for axis in range(axes)
        )

    def distribute(self, share_TBU: Float[Tensor, "t b u"]) -> Weights:
        """Each joint's total of base weights, dealt out by `share_TBU` (sums to 1 over those that take part).

        The pull of all teachers together on a joint is thereby what fixed weights would give.
        """
        weight_TBU = self.base_TBU.sum(0) * share_TBU * self.votes_TBU
        return {
            name: weight_BU[answer.row_A[:, None], answer.targets.union_AR]
            for (name, answer), weight_BU in zip(self.answers.items(), weight_TBU, strict=True)
        }


def _spread(
    answer: TeacherAnswer, value_AR: Float[Tensor, "a r *p"], crops: int, joints: int
) -> Float[Tensor, "b u *p"]:
    spread_BU = value_AR.new_zeros(crops, joints, *value_AR.shape[2:])
    spread_BU[answer.row_A[:, None], answer.targets.union_AR] = value_AR
    return spread_BU


def cross_entropy(
    target: tuple[Float[Tensor, "*t b u _"], ...], said: tuple[Float[Tensor, "t b u _"], ...]
) -> Float[Tensor, "t b u"]:
    """-sum p log q per teacher, crop and joint, axes added up; q is kept from 0 by `FAINTEST`.

    One target for all teachers, or one for each.
    """
    parts = [
        -(target_TBUP * said_TBUP.clamp_min(FAINTEST).log()).sum(-1)
        for target_TBUP, said_TBUP in zip(target, said, strict=True)
    ]
    return torch.stack(parts).sum(0)


FAINTEST = 1e-4
"""Least probability that a teacher is taken to give any position: one that rules the label out is wrong, not
infinitely so."""
