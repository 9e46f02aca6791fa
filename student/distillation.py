"""The loss of one batch: a term for the ground truth, and some for each teacher.

Legend: B crops, U union joints, A crops a teacher answered, R relations (teacher joint -> union joint), P
positions, C channels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from student.batch import TrainingBatch
from student.losses.choice import PositionLoss
from student.losses.coordinates import coordinate_error, expected_place, relation_error, student_place
from student.losses.divergence import divergence
from student.losses.original import counted_twice, mean_divergence
from student.losses.reduction import Reduction, batch_sum, supervised_mean
from student.losses.term import LossTerm
from student.positions import Positions
from student.student_config import StudentConfig
from student.targets import ground_truth_targets
from student.teacher_targets import teacher_targets
from student.teaching import Teaching
from student.weighting.strategy import Sample, TeacherAnswer, TeacherWeighting, Weights


@dataclass(frozen=True)
class LossWeights:
    """What the terms are multiplied with; `coordinate` and `relation` relative to `distill`, left
    out where they are 0."""

    ground_truth: float = 1.0
    distill: float = 1.0
    coordinate: float = 0.0
    relation: float = 0.0


@dataclass(frozen=True)
class DistillationLoss:
    """Ground truth + teachers.

    Each term is a mean over the joints it supervises in the batch (`supervised_mean`) of weight * cost, where
    the weight is, for ground truth, the label's (visibility times relation); for a teacher, the strategy's
    times the relation's. With `original`, terms and their sum are those of `student.losses.original`.
    """

    student: StudentConfig
    teachings: Sequence[Teaching]
    weighting: TeacherWeighting
    weights: LossWeights
    teacher_loss: PositionLoss = divergence
    label_beta: float | None = None
    original: bool = False

    def terms(
        self,
        logits: Positions,
        batch: TrainingBatch,
        feature_BC: Float[Tensor, "b c"],
        distill_factor: float = 1.0,
    ) -> list[LossTerm]:
        """Ground truth's term first, then every teacher's, always all of them, in this order; then those of
        the strategy. `distill_factor` is the schedule's."""
        with torch.no_grad():
            answers = {t.name: self._answer(t, batch) for t in self.teachings if t.name in batch.teachers}
            sample = self._sample(batch, feature_BC)
            weights = self.weighting(answers, sample)
        truth = self._truth_term(logits, sample)
        if self.original:
            return counted_twice([truth, *self._teacher_terms(logits, answers, weights, 1.0)], distill_factor)
        teachers = self._teacher_terms(logits, answers, weights, distill_factor)
        return [truth, *teachers, *self.weighting.terms(answers, sample)]

    def learned(self) -> list[nn.Module]:
        """What learns beside the student."""
        return [self.weighting] if isinstance(self.weighting, nn.Module) else []

    def _answer(self, teaching: Teaching, batch: TrainingBatch) -> TeacherAnswer:
        stored = batch.teachers[teaching.name]
        dropped_B4 = batch.dropped_B4
        targets = teacher_targets(
            stored,
            batch.flipped_B[stored.row_A],
            teaching,
            self.student,
            None if dropped_B4 is None else dropped_B4[stored.row_A],
        )
        return TeacherAnswer(stored.row_A, targets)

    def _sample(self, batch: TrainingBatch, feature_BC: Float[Tensor, "b c"]) -> Sample:
        truth = ground_truth_targets(
            batch.keypoint_BU2, self.student.map, self.student.target_sigma, self.label_beta
        )
        return Sample(truth, batch.weight_BU, batch.dataset_B, feature_BC)

    def _truth_term(self, logits: Positions, sample: Sample) -> LossTerm:
        cost = mean_divergence if self.original else divergence
        value = self._reduce(cost(logits, sample.truth), sample.truth_weight_BU)
        return LossTerm("ground_truth", value, self.weights.ground_truth)

    def _teacher_terms(
        self, logits: Positions, answers: Mapping[str, TeacherAnswer], weights: Weights, factor: float
    ) -> Iterator[LossTerm]:
        told = self._term_weights()
        for teaching in self.teachings:
            values = dict.fromkeys(told, logits[0].new_zeros(()))
            if teaching.name in answers:
                answer = answers[teaching.name]
                weight_AR, counts_AR = self._weight(teaching, answer, weights[teaching.name])
                costs = self._costs(logits, answer, counts_AR)
                values = {kind: self._reduce(costs[kind], weight_AR, counts_AR) for kind in told}
            for kind, weight in told.items():
                yield LossTerm(f"{kind}/{teaching.name}", values[kind], weight * factor)

    def _term_weights(self) -> dict[str, float]:
        """Of the terms that every teacher has."""
        told = self.weights
        extras = {"coordinate": told.coordinate, "relation": told.relation}
        return {
            "teacher": told.distill,
            **{kind: weight * told.distill for kind, weight in extras.items() if weight > 0},
        }

    def _weight(
        self, teaching: Teaching, answer: TeacherAnswer, strategy_AR: Float[Tensor, "a r"]
    ) -> tuple[Float[Tensor, "a r"], Bool[Tensor, "a r"]]:
        """Weights, and which joints count in the mean: those a strategy could give any weight to."""
        relation_R = torch.from_numpy(teaching.weight_R).to(strategy_AR.device)
        counts_AR = self.weighting.fixed.of_teacher(teaching.name, answer) > 0
        return strategy_AR * relation_R * counts_AR, counts_AR

    def _costs(
        self, logits: Positions, answer: TeacherAnswer, counts_AR: Bool[Tensor, "a r"]
    ) -> dict[str, Float[Tensor, "a r"]]:
        """By the kind of term; those of places only where one of them has a weight."""
        said, targets = _gathered(logits, answer), answer.targets
        cost = mean_divergence if self.original else self.teacher_loss
        costs = {"teacher": cost(said, targets.positions, targets.known)}
        if self.weights.coordinate > 0 or self.weights.relation > 0:
            said_AR2 = student_place(said, self.student.map, targets.known)
            target_AR2 = expected_place(targets.positions, self.student.map)
            costs["coordinate"] = coordinate_error(said_AR2, target_AR2)
            costs["relation"] = relation_error(said_AR2, target_AR2, counts_AR)
        return costs

    @property
    def _reduce(self) -> Reduction:
        return batch_sum if self.original else supervised_mean


def _gathered(logits: Positions, answer: TeacherAnswer) -> tuple[Float[Tensor, "a r _"], ...]:
    """The student's logits of every related union joint, for the crops that the teacher answered."""
    return tuple(axis_BUP[answer.row_A[:, None], answer.targets.union_AR] for axis_BUP in logits)
