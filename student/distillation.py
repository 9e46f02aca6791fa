"""The loss of one batch: a term for the ground truth, one for each teacher.

Legend: B crops, U union joints, A crops a teacher answered, R relations (teacher joint -> union joint), P
positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from student.batch import TrainingBatch
from student.losses import LossTerm, divergence, supervised_mean
from student.positions import Positions
from student.student_config import StudentConfig
from student.targets import gaussian_targets
from student.teacher_targets import teacher_targets
from student.teaching import Teaching
from student.weighting import GroundTruth, TeacherAnswer, TeacherWeighting

MIN_SEEN = 0.5
"""A teacher's joint of whose map less than this lies in the student's crop teaches nothing: what is left of
the map would, normalised, pretend that the joint is there."""


@dataclass(frozen=True)
class DistillationLoss:
    """Ground truth + teachers.

    Each term is a mean over the joints it supervises in the batch (`supervised_mean`) of weight * KL, where
    the weight is, for ground truth, the label's (visibility times relation); for a teacher, the strategy's
    times the relation's. Terms enter the total with `ground_truth_weight` and `distill_weight`.
    """

    student: StudentConfig
    teachings: Sequence[Teaching]
    weighting: TeacherWeighting
    ground_truth_weight: float
    distill_weight: float

    def terms(self, logits: Positions, batch: TrainingBatch) -> list[LossTerm]:
        """One term for the ground truth, then one per teacher, always all of them, in this order."""
        truth = GroundTruth(
            gaussian_targets(batch.keypoint_BU2, self.student.map, self.student.target_sigma), batch.weight_BU
        )
        value = supervised_mean(divergence(logits, truth.positions), truth.weight_BU)
        return [
            LossTerm("ground_truth", value, self.ground_truth_weight),
            *self._teacher_terms(logits, batch, truth),
        ]

    def _teacher_terms(self, logits: Positions, batch: TrainingBatch, truth: GroundTruth) -> list[LossTerm]:
        with torch.no_grad():
            answers = {t.name: self._answer(t, batch) for t in self.teachings if t.name in batch.teachers}
            weights = self.weighting(answers, truth)
        return [
            LossTerm(
                f"teacher/{t.name}",
                self._teacher_value(logits, answers[t.name], t, weights[t.name])
                if t.name in answers
                else logits[0].new_zeros(()),
                self.distill_weight,
            )
            for t in self.teachings
        ]

    def _answer(self, teaching: Teaching, batch: TrainingBatch) -> TeacherAnswer:
        stored = batch.teachers[teaching.name]
        targets = teacher_targets(stored, batch.flipped_B[stored.row_A], teaching, self.student)
        return TeacherAnswer(stored.row_A, targets)

    def _teacher_value(
        self, logits: Positions, answer: TeacherAnswer, teaching: Teaching, strategy_AR: Float[Tensor, "a r"]
    ) -> Float[Tensor, ""]:
        targets = answer.targets
        loss_AR = divergence(_gathered(logits, answer), targets.positions, targets.known)
        relation_R = torch.from_numpy(teaching.weight_R).to(strategy_AR.device)
        weight_AR = strategy_AR * relation_R * (targets.seen_AR >= MIN_SEEN)
        return supervised_mean(loss_AR, weight_AR)


def _gathered(logits: Positions, answer: TeacherAnswer) -> tuple[Float[Tensor, "a r _"], ...]:
    """The student's logits of every related union joint, for the crops that the teacher answered."""
    return tuple(axis_BUP[answer.row_A[:, None], answer.targets.union_AR] for axis_BUP in logits)
