"""Confidence-aware multi-teacher distillation (CA-MKD, Zhang, Chen and Wang, ICASSP 2022), per joint.

Legend: T teachers, B crops, U union joints.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from student.weighting.distance import log_agreement, log_wrong
from student.weighting.fixed import FixedWeighting
from student.weighting.strategy import Evidence, TeacherAnswer, TeacherWeighting, Weights
from student.weighting.teacher_stack import TeacherStack


@dataclass(frozen=True)
class CaMkdWeighting(TeacherWeighting):
    """The less a teacher errs on a joint, the more it counts there; where all err, none counts.

    The share of teacher t is the probability that t is right, of the hypotheses "t is right" and "none is":

        labelled      log p_t = f(distance to the label)                     log p_0 = f(wrong)
        not labelled  log p_t = log r_t + sum_j log(r_j e^f(distance to j) + (1 - r_j) e^f(wrong))
                      log p_0 = sum_j log(1 - r_j) + (n - 1) f(wrong)

    where j are the other teachers that answer for the joint, n the number of all, r their trust by
    calibration and f the log-density of a distance in units of the joint's sigma
    (`student.weighting.distance`).

    Departs from the paper, which weighs by the cross-entropy of the label under each teacher's softmax,
    normalised so that the weights add up to 1: there the sharper of two teachers wins, not the truer; where
    all are wrong one of them still has all the weight; and without a label nothing is known.
    """

    fixed: FixedWeighting

    def __call__(self, answers: Mapping[str, TeacherAnswer], sample: Evidence) -> Weights:
        if not answers:
            return {}
        stack = TeacherStack.of(answers, self.fixed(answers, sample), *sample.truth_weight_BU.shape)
        return stack.distribute(shares(stack, sample))


def shares(stack: TeacherStack, sample: Evidence) -> Float[Tensor, "t b u"]:
    """Each teacher's probability of being the one that is right; what they lack to 1 is that of "none is"."""
    keypoint_TBU2, votes_TBU = stack.keypoints(), stack.votes_TBU
    wrong = log_wrong(keypoint_TBU2)
    by_label_TBU = log_agreement(
        keypoint_TBU2, sample.keypoint_BU2.expand_as(keypoint_TBU2), sample.tolerance_BU
    )
    by_others_TBU, none_BU = _by_others(keypoint_TBU2, stack.trust(), votes_TBU, sample.tolerance_BU, wrong)
    labelled_BU = sample.truth_weight_BU > 0
    log_TBU = torch.where(labelled_BU, by_label_TBU, by_others_TBU).masked_fill(~votes_TBU, -torch.inf)
    none_BU = torch.where(labelled_BU, wrong, none_BU)
    return torch.cat([log_TBU, none_BU[None]]).softmax(0)[:-1]


def _by_others(
    keypoint_TBU2: Float[Tensor, "t b u 2"],
    trust_TBU: Float[Tensor, "t b u"],
    votes_TBU: Bool[Tensor, "t b u"],
    tolerance_BU: Float[Tensor, "b u"],
    wrong: Float[Tensor, ""],
) -> tuple[Float[Tensor, "t b u"], Float[Tensor, "b u"]]:
    """For each teacher the log-probability that it is right, and that none is; up to what they share."""
    trust_TBU = trust_TBU.clamp(1e-4, 1 - 1e-4)
    rows = []
    for teacher in range(len(keypoint_TBU2)):
        near_TBU = log_agreement(keypoint_TBU2, keypoint_TBU2[teacher].expand_as(keypoint_TBU2), tolerance_BU)
        support_TBU = torch.logaddexp(trust_TBU.log() + near_TBU, (1 - trust_TBU).log() + wrong)
        support_TBU = (support_TBU * votes_TBU).sum(0) - support_TBU[teacher] * votes_TBU[teacher]
        rows.append(trust_TBU[teacher].log() + support_TBU)
    others_BU = (votes_TBU.sum(0) - 1).clamp_min(0)
    none_BU = ((1 - trust_TBU).log() * votes_TBU).sum(0) + others_BU * wrong
    return torch.stack(rows), none_BU
