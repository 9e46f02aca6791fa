"""One weight per teacher.

Legend: A crops a teacher answered, R relations (teacher joint -> union joint).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.params import Params
from student.data.training_data import TrainingData
from student.weighting.strategy import Evidence, TeacherAnswer, TeacherWeighting, Weights


@dataclass(frozen=True)
class FixedWeighting(TeacherWeighting):
    """One weight per teacher, wherever its own confidence reaches `min_confidence` and its joint lies in
    what both crops see."""

    weights: Mapping[str, float]
    min_confidence: float

    def __call__(self, answers: Mapping[str, TeacherAnswer], sample: Evidence) -> Weights:
        return {name: self.of_teacher(name, answer) for name, answer in answers.items()}

    def of_teacher(self, name: str, answer: TeacherAnswer) -> Float[Tensor, "a r"]:
        """One teacher's weights, whatever the others say."""
        teaches_AR = (answer.targets.confidence_AR >= self.min_confidence) & answer.targets.taught_AR
        return torch.where(teaches_AR, self.weights[name], 0.0)

    @classmethod
    def of(
        cls, fixed: TeacherWeighting, params: Params, training_data: TrainingData, channels: int
    ) -> TeacherWeighting:
        return fixed

    @property
    def fixed(self) -> "FixedWeighting":
        """What every strategy has: the weights it starts from."""
        return self
