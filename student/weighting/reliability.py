"""Weights by how often each teacher is right, measured on training data from stores alone.

Legend: R relations (teacher joint -> union joint), U union joints, D datasets, B crops, A crops a teacher
answered.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from pipeline.params import Params
from student.data.training_data import TrainingData
from student.weighting.fixed import FixedWeighting
from student.weighting.strategy import Evidence, TeacherAnswer, TeacherWeighting, Weights
from student.weighting.teacher_record import teacher_records


@dataclass(frozen=True)
class ReliabilityWeighting(TeacherWeighting):
    """The fixed weight times the teacher's share of right answers for this dataset and joint, to a power."""

    fixed: FixedWeighting
    table: Mapping[str, Float[np.ndarray, "d u"]]
    power: float

    @classmethod
    def of(
        cls, fixed: TeacherWeighting, params: Params, training_data: TrainingData, channels: int
    ) -> TeacherWeighting:
        shares = {name: record.share_DU for name, record in teacher_records(training_data).items()}
        return cls(fixed, shares, params.distill.reliability_power)

    def __call__(self, answers: Mapping[str, TeacherAnswer], sample: Evidence) -> Weights:
        return {
            name: self.fixed.of_teacher(name, answer) * self._trust(name, answer, sample.dataset_B)
            for name, answer in answers.items()
        }

    def _trust(
        self, name: str, answer: TeacherAnswer, dataset_B: Int64[Tensor, " b"]
    ) -> Float[Tensor, "a r"]:
        table_DU = torch.as_tensor(self.table[name], dtype=torch.float32, device=dataset_B.device)
        return table_DU[dataset_B[answer.row_A][:, None], answer.targets.union_AR] ** self.power
