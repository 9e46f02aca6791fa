"""Confidence-aware multi-teacher distillation (CA-MKD, Zhang, Chen and Wang, ICASSP 2022), per joint.

Legend: T teachers, B crops, U union joints, P positions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from student.weighting.fixed import FixedWeighting
from student.weighting.panel import Panel, cross_entropy
from student.weighting.strategy import Sample, TeacherAnswer, TeacherWeighting, Weights


@dataclass(frozen=True)
class CaMkdWeighting(TeacherWeighting):
    """The less a teacher errs on a labelled joint, the more it counts there:

        share_t = (1 - exp(L_t) / sum_j exp(L_j)) / (T - 1)

    over the T teachers that answer for the joint, where L_t is the cross-entropy of the label under the
    teacher's map. Where there is no label, L_t is the cross-entropy of the other teachers'
    mean under it: who disagrees with all others counts less. A joint's only teacher has share 1.
    """

    fixed: FixedWeighting

    def __call__(self, answers: Mapping[str, TeacherAnswer], sample: Sample) -> Weights:
        if not answers:
            return {}
        panel = Panel.of(answers, self.fixed(answers, sample), *sample.truth_weight_BU.shape)
        said = panel.positions()
        error_TBU = torch.where(
            sample.truth_weight_BU > 0,
            cross_entropy(sample.truth, said),
            disagreement(said, panel.votes_TBU),
        )
        return panel.distribute(shares(error_TBU, panel.votes_TBU))


def disagreement(
    said: tuple[Float[Tensor, "t b u _"], ...], votes_TBU: Bool[Tensor, "t b u"]
) -> Float[Tensor, "t b u"]:
    """Cross-entropy, for each teacher, of the mean of the others under it."""
    others_TBU = (votes_TBU.sum(0) - votes_TBU.long()).clamp_min(1)
    others = []
    for said_TBUP in said:
        voted_TBUP = said_TBUP * votes_TBU[..., None]
        others.append((voted_TBUP.sum(0) - voted_TBUP) / others_TBU[..., None])
    return cross_entropy(tuple(others), said)


def shares(error_TBU: Float[Tensor, "t b u"], votes_TBU: Bool[Tensor, "t b u"]) -> Float[Tensor, "t b u"]:
    """The paper's weights from errors; 0 for a teacher that has no vote."""
    wrong_TBU = error_TBU.masked_fill(~votes_TBU, -torch.inf).softmax(0).nan_to_num(0.0)
    count_BU = votes_TBU.sum(0)
    share_TBU = torch.where(count_BU > 1, (1 - wrong_TBU) / (count_BU - 1).clamp_min(1), 1.0)
    return share_TBU * votes_TBU
