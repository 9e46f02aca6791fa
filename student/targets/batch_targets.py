"""The way in: what every joint of a batch is taught, by whom, and how strongly.

Legend: B crops, U union joints, A crops a teacher answered, R relations (teacher joint -> union joint), C
channels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from student.data.batch import TrainingBatch
from student.losses.term import LossTerm
from student.network.config import StudentConfig
from student.network.positions import Positions
from student.targets.joint_targets import label_targets, teacher_targets
from student.targets.teacher_spec import TeacherSpec
from student.weighting.distance import tolerance
from student.weighting.strategy import Evidence, TeacherAnswer, TeacherWeighting
from student.weighting.teacher_stack import shared_by_joint


@dataclass(frozen=True)
class TargetSettings:
    """Of train and distill in params.yaml, those that decide what is taught."""

    label_beta: float | None = None
    joint_weights: bool = True
    share: str = "joint"
    where: str = "everywhere"


@dataclass(frozen=True)
class TaughtByTeacher:
    """One teacher's targets for the crops it answered, and their weights, everything but the schedule's
    factor in them; 0 where it teaches nothing."""

    answer: TeacherAnswer
    weight_AR: Float[Tensor, "a r"]


@dataclass(frozen=True)
class BatchTargets:
    """Labels' targets and weights, and by name every teacher's that answered any of the crops; and what the
    weighting learns from besides."""

    label: Positions
    label_weight_BU: Float[Tensor, "b u"]
    teachers: Mapping[str, TaughtByTeacher]
    weighting_terms: Sequence[LossTerm]


@dataclass(frozen=True)
class TargetMaker:
    """Turns training batches into targets and weights.

    A label's weight is that of its relation, its visibility and its joint; a teacher's that of the strategy,
    its relation and its joint.
    """

    student: StudentConfig
    teacher_specs: Sequence[TeacherSpec]
    weighting: TeacherWeighting
    domains: Sequence[str] = ()
    """Of the datasets, by the numbers that batches have."""
    settings: TargetSettings = TargetSettings()

    def of(self, batch: TrainingBatch, feature_BC: Float[Tensor, "b c"]) -> BatchTargets:
        """`feature_BC`: the student's, averaged over each crop."""
        with torch.no_grad():
            answers, sample = self.evidence(batch, feature_BC)
            teachers = self._taught(answers, sample)
            label = label_targets(
                batch.keypoint_BU2, self.student.map, self.student.target_sigma, self.settings.label_beta
            )
        joint_U = self._joint_weights(batch.weight_BU)
        return BatchTargets(label, batch.weight_BU * joint_U, teachers, self.weighting.terms(answers, sample))

    def evidence(
        self, batch: TrainingBatch, feature_BC: Float[Tensor, "b c"]
    ) -> tuple[dict[str, TeacherAnswer], Evidence]:
        """The input of a weighting: every teacher's answer to the batch, and what else is known of the
        batch."""
        answers = {t.name: self._answer(t, batch) for t in self.teacher_specs if t.name in batch.teachers}
        return answers, self._sample(batch, feature_BC)

    def learned(self) -> list[nn.Module]:
        """What learns beside the student."""
        return [self.weighting] if isinstance(self.weighting, nn.Module) else []

    def _joint_weights(self, like: Tensor) -> Float[Tensor, " u"]:
        weights = self.student.skeleton.joint_weights
        return like.new_tensor(weights if self.settings.joint_weights else [1.0] * len(weights))

    def _answer(self, spec: TeacherSpec, batch: TrainingBatch) -> TeacherAnswer:
        stored = batch.teachers[spec.name]
        row_A, dropped_B4 = stored.row_A, batch.dropped_B4
        targets = teacher_targets(
            stored,
            batch.flipped_B[row_A],
            spec,
            self.student,
            None if dropped_B4 is None else dropped_B4[row_A],
            self.settings.label_beta,
        )
        usual_K = targets.confidence_AR.new_tensor(spec.calibration.usual_confidence)
        trust_AR = spec.calibration.trust.of(
            targets.mode_AR,
            targets.confidence_AR / usual_K[torch.from_numpy(spec.source_R).to(usual_K.device)],
            batch.dataset_B[row_A],
            targets.union_AR,
            self.domains,
            self.student.skeleton.joints,
        )
        return TeacherAnswer(row_A, targets, trust_AR)

    def _sample(self, batch: TrainingBatch, feature_BC: Float[Tensor, "b c"]) -> Evidence:
        return Evidence(
            batch.keypoint_BU2,
            batch.weight_BU,
            tolerance(self.student.skeleton.sigmas, batch.body_B),
            batch.dataset_B,
            feature_BC,
        )

    def _taught(self, answers: Mapping[str, TeacherAnswer], sample: Evidence) -> dict[str, TaughtByTeacher]:
        weights, base = self.weighting(answers, sample), self.weighting.fixed(answers, sample)
        if self.settings.share == "joint":
            weights = shared_by_joint(weights, base, answers, *sample.truth_weight_BU.shape)
        taught = {}
        for spec in self.teacher_specs:
            if spec.name in answers:
                answer = answers[spec.name]
                weight_AR = weights[spec.name] * self._of_the_joint(spec, answer, sample)
                taught[spec.name] = TaughtByTeacher(answer, weight_AR)
        return taught

    def _of_the_joint(
        self, spec: TeacherSpec, answer: TeacherAnswer, sample: Evidence
    ) -> Float[Tensor, "a r"]:
        """The relation's weight times the joint's; 0 where a label already teaches it and teachers are not
        to."""
        union_AR = answer.targets.union_AR
        relation_R = torch.from_numpy(spec.weight_R).to(answer.trust_AR)
        weight_AR = relation_R * self._joint_weights(relation_R)[union_AR]
        if self.settings.where == "unlabelled":
            weight_AR = weight_AR * (sample.truth_weight_BU[answer.row_A[:, None], union_AR] == 0)
        return weight_AR
