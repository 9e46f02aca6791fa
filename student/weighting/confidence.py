"""Weights by teachers' own confidence, calibrated."""

from collections.abc import Mapping
from dataclasses import dataclass

from student.weighting.fixed import FixedWeighting
from student.weighting.strategy import Evidence, TeacherAnswer, TeacherWeighting, Weights


@dataclass(frozen=True)
class ConfidenceWeighting(TeacherWeighting):
    """The fixed weight times how likely the answer is right, given the teacher's own confidence and how
    much of its map is one peak (`student.calibration.teacher_calibration.Trust`).

    Confidence as it is stored cannot be compared: peaks of one teacher reach 1, another's hardly 0.5, and one
    is as sure when it is wrong. What labels have shown of it can.
    """

    fixed: FixedWeighting

    def __call__(self, answers: Mapping[str, TeacherAnswer], sample: Evidence) -> Weights:
        return {
            name: self.fixed.of_teacher(name, answer) * answer.trust_AR for name, answer in answers.items()
        }
