"""The loss of one batch: a term for the ground truth, and some for each teacher.

Legend: B crops, U union joints, A crops a teacher answered, R relations (teacher joint -> union joint), P
positions, C channels.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from student.data.batch import TrainingBatch
from student.losses.coordinates import as_fractions, coordinate_error, pairwise_error, student_place
from student.losses.divergence import divergence
from student.losses.original import counted_twice, mean_divergence
from student.losses.position_loss import PositionLoss
from student.losses.term import LossTerm
from student.network.positions import Positions
from student.targets.batch_targets import BatchTargets, TargetMaker, TaughtByTeacher
from student.weighting.dropping import dropped_at_random
from student.weighting.strategy import TeacherAnswer

Reduction = Callable[..., Float[Tensor, ""]]
"""Costs, their weights (0: not supervised), the batch's crops and the union's joints, to one number."""
Costs = dict[str, Float[Tensor, "a r"]]
"""By the kind of term."""
PAIRWISE = "relation"
"""Name in the log of RKD's term, which compares the distances of pairs of joints."""


@dataclass(frozen=True)
class LossWeights:
    """What the terms are multiplied with; `coordinate` and `pairwise` relative to `distill`, left
    out where they are 0."""

    ground_truth: float = 1.0
    distill: float = 1.0
    coordinate: float = 0.0
    pairwise: float = 0.0


@dataclass(frozen=True)
class DistillationLoss:
    """Ground truth + teachers.

    Each term is the sum of weight * cost over the joints it supervises, divided by all joints of the batch
    (`per_batch_joint`). With `original`, terms and their sum are those of `student.losses.original`.
    `drop_teachers` is the probability with which a teacher is left out of a crop.
    """

    targets: TargetMaker
    weights: LossWeights
    teacher_loss: PositionLoss = divergence
    drop_teachers: float = 0.0
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
        taught = self.targets.of(batch, feature_BC)
        truth = self._truth_term(logits, taught)
        if self.original:
            return counted_twice([truth, *self._teacher_terms(logits, taught, 1.0)], distill_factor)
        return [truth, *self._teacher_terms(logits, taught, distill_factor), *taught.weighting_terms]

    def learned(self) -> list[nn.Module]:
        """What learns beside the student."""
        return self.targets.learned()

    def _truth_term(self, logits: Positions, taught: BatchTargets) -> LossTerm:
        cost = mean_divergence if self.original else divergence
        crops, joints = taught.label_weight_BU.shape
        value = self._reduce(cost(logits, taught.label), taught.label_weight_BU, crops, joints)
        return LossTerm("ground_truth", value, self.weights.ground_truth)

    def _teacher_terms(self, logits: Positions, taught: BatchTargets, factor: float) -> Iterator[LossTerm]:
        term_weights, (crops, joints) = self._term_weights(), taught.label_weight_BU.shape
        costs = {name: self._costs(logits, by.answer, by.weight_AR) for name, by in taught.teachers.items()}
        weights = self._after_dropping(costs, taught.teachers, crops, joints)
        for spec in self.targets.teacher_specs:
            name = spec.name
            for kind, weight in term_weights.items():
                value = logits[0].new_zeros(())
                if name in costs:
                    value = self._reduce(costs[name][kind], weights[name], crops, joints)
                yield LossTerm(f"{kind}/{name}", value, weight * factor)

    def _after_dropping(
        self, costs: Mapping[str, Costs], teachers: Mapping[str, TaughtByTeacher], crops: int, joints: int
    ) -> dict[str, Float[Tensor, "a r"]]:
        weights = {name: by.weight_AR for name, by in teachers.items()}
        if self.drop_teachers == 0 or len(weights) < 2:
            return weights
        answers = {name: by.answer for name, by in teachers.items()}
        main = {name: kinds["teacher"].detach() for name, kinds in costs.items()}
        return dropped_at_random(weights, main, answers, crops, joints, self.drop_teachers)

    def _term_weights(self) -> dict[str, float]:
        """Of the terms that every teacher has."""
        weights = self.weights
        extras = {"coordinate": weights.coordinate, PAIRWISE: weights.pairwise}
        return {
            "teacher": weights.distill,
            **{kind: weight * weights.distill for kind, weight in extras.items() if weight > 0},
        }

    def _costs(self, logits: Positions, answer: TeacherAnswer, weight_AR: Float[Tensor, "a r"]) -> Costs:
        """Those of places only where one of them has a weight."""
        of_student, targets = _gathered(logits, answer), answer.targets
        cost = mean_divergence if self.original else self.teacher_loss
        costs = {"teacher": cost(of_student, targets.positions, targets.known)}
        if self.weights.coordinate > 0 or self.weights.pairwise > 0:
            config = self.targets.student
            place_AR2 = student_place(of_student, config.map, targets.known)
            target_AR2 = as_fractions(targets.keypoint_AR2, config.map)
            costs["coordinate"] = coordinate_error(place_AR2, target_AR2)
            costs[PAIRWISE] = pairwise_error(place_AR2, target_AR2, weight_AR > 0)
        return costs

    @property
    def _reduce(self) -> Reduction:
        return batch_sum if self.original else per_batch_joint


def _gathered(logits: Positions, answer: TeacherAnswer) -> tuple[Float[Tensor, "a r _"], ...]:
    """The student's logits of every related union joint, for the crops that the teacher answered."""
    return tuple(axis_BUP[answer.row_A[:, None], answer.targets.union_AR] for axis_BUP in logits)


def per_batch_joint(
    loss_AJ: Float[Tensor, "a j"], weight_AJ: Float[Tensor, "a j"], crops: int, joints: int
) -> Float[Tensor, ""]:
    """Sum of loss * weight over the number of joints the whole batch has, supervised or not.

    The same divisor for every term and every batch: a joint's pull is its weight's, however few others are
    supervised beside it. (A mean over the supervised ones pulls the harder on each the fewer there are.)
    """
    return (loss_AJ * weight_AJ).sum() / (crops * joints)


def batch_sum(
    loss_AJ: Float[Tensor, "a j"], weight_AJ: Float[Tensor, "a j"], crops: int, joints: int
) -> Float[Tensor, ""]:
    """Sum of loss * weight over crops and joints, over the joints there are: grows with the batch.

    As MMPose's `KLDiscretLoss` (mmpose/models/losses/classification_loss.py) adds up.
    """
    return (loss_AJ * weight_AJ).sum() / loss_AJ.shape[1]


def total_loss(terms: Sequence[LossTerm]) -> Float[Tensor, ""]:
    """Sum over the terms of value * weight: nothing enters the total that is not logged."""
    return torch.stack([term.value * term.weight for term in terms]).sum()
