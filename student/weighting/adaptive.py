"""Weights learned from the sample, after AMTML-KD (Liu, Zhang and Wang, Neurocomputing 2020).

Legend: T teachers, B crops, U union joints, C channels of the student's features, D of the latent space.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipeline.params import Params
from student.data.training_data import TrainingData
from student.losses.term import LossTerm
from student.weighting.distance import log_agreement
from student.weighting.fixed import FixedWeighting
from student.weighting.strategy import Evidence, TeacherAnswer, TeacherWeighting, Weights
from student.weighting.teacher_stack import TeacherStack

LATENT = 16
TERM = "weighting/adaptive"


class AdaptiveWeighting(nn.Module, TeacherWeighting):
    """Every teacher has a latent vector per joint; how well it fits the student's features of the crop, by a
    softmax over the teachers that answer, is its share, times how likely its answer is right by calibration.

    Departs from the paper, which learns the vectors from the student's own loss: that is least where the
    easiest teacher, or the sharpest, has all the weight. Here they are learned from labels: the term
    `weighting/adaptive` is the negative log-likelihood of the label's distance from the teachers' joints
    under their mixture (`student.weighting.distance`), over labelled joints. An unlabelled joint profits
    through what is shared: the projection of the features, and a vector per teacher that all its joints
    have in common.
    """

    @classmethod
    def of(
        cls, fixed: TeacherWeighting, params: Params, training_data: TrainingData, channels: int
    ) -> TeacherWeighting:
        return cls(fixed, training_data.student.skeleton.num_joints, channels)

    def __init__(self, fixed: FixedWeighting, joints: int, channels: int) -> None:
        super().__init__()
        self.fixed = fixed
        self.names = tuple(fixed.weights)
        self.project = nn.Linear(channels, LATENT)
        self.teacher_TD = nn.Parameter(torch.zeros(len(self.names), LATENT))
        self.joint_TUD = nn.Parameter(torch.zeros(len(self.names), joints, LATENT))
        self.bias_TU = nn.Parameter(torch.zeros(len(self.names), joints))

    def __call__(self, answers: Mapping[str, TeacherAnswer], sample: Evidence) -> Weights:
        if not answers:
            return {}
        stack = self._stack(answers, sample)
        return stack.distribute(self._shares(stack, sample).detach() * stack.trust())

    def terms(self, answers: Mapping[str, TeacherAnswer], sample: Evidence) -> Sequence[LossTerm]:
        """The mixture's negative log-likelihood; it is independent of the student's weights."""
        if not answers:
            return [LossTerm(TERM, self.bias_TU.sum() * 0.0, 1.0)]
        stack = self._stack(answers, sample)
        share_TBU, keypoint_TBU2 = self._shares(stack, sample), stack.keypoints()
        evidence_TBU = log_agreement(
            keypoint_TBU2, sample.keypoint_BU2.expand_as(keypoint_TBU2), sample.tolerance_BU
        )
        mixed_BU = (share_TBU.clamp_min(1e-12).log() + evidence_TBU).masked_fill(~stack.votes_TBU, -torch.inf)
        several_BU = stack.votes_TBU.sum(0) > 1
        cost_BU = -torch.where(several_BU, mixed_BU.logsumexp(0), 0.0)
        counts_BU = several_BU & (sample.truth_weight_BU > 0)
        return [LossTerm(TERM, (cost_BU * counts_BU).sum() / counts_BU.sum().clamp_min(1), 1.0)]

    def _stack(self, answers: Mapping[str, TeacherAnswer], sample: Evidence) -> TeacherStack:
        return TeacherStack.of(answers, self.fixed(answers, sample), *sample.truth_weight_BU.shape)

    def _shares(self, stack: TeacherStack, sample: Evidence) -> Float[Tensor, "t b u"]:
        places = [self.names.index(name) for name in stack.answers]
        latent_BD = torch.tanh(self.project(sample.feature_BC))
        vector_TUD = self.teacher_TD[places, None] + self.joint_TUD[places]
        fit_TBU = torch.einsum("bd,tud->tbu", latent_BD, vector_TUD) + self.bias_TU[places, None]
        return fit_TBU.masked_fill(~stack.votes_TBU, -torch.inf).softmax(0).nan_to_num(0.0)
