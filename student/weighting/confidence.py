"""Weights by teachers' own confidence.

Legend: A crops a teacher answered, R relations (teacher joint -> union joint).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from student.weighting.fixed import FixedWeighting
from student.weighting.strategy import Sample, TeacherAnswer, TeacherWeighting, Weights

USUAL_PERCENTILE = 75.0
"""What a teacher's confidence is measured against: peaks of one reach 1, another's hardly 0.5."""


@dataclass(frozen=True)
class ConfidenceWeighting(TeacherWeighting):
    """The fixed weight times the confidence, as a share (at most 1) of what is usual for this joint of this
    teacher: the 75th percentile over the training crops. So a teacher whose peaks are lower by nature does
    not count less."""

    fixed: FixedWeighting
    usual: Mapping[str, Float32[np.ndarray, " r"]]

    def __call__(self, answers: Mapping[str, TeacherAnswer], sample: Sample) -> Weights:
        return {
            name: self.fixed.of_teacher(name, answer) * self._share(name, answer)
            for name, answer in answers.items()
        }

    def _share(self, name: str, answer: TeacherAnswer) -> Float[Tensor, "a r"]:
        confidence_AR = answer.targets.confidence_AR
        usual_R = torch.from_numpy(self.usual[name]).to(confidence_AR)
        return (confidence_AR / usual_R.clamp_min(1e-6)).clamp(0.0, 1.0)


def usual_confidence(confidences: Sequence[Float32[np.ndarray, "_ r"]]) -> Float32[np.ndarray, " r"]:
    """Per joint, over all crops of all training splits together."""
    return np.percentile(np.concatenate(confidences), USUAL_PERCENTILE, axis=0).astype(np.float32)
