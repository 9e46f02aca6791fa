"""Every model's predictions for one dataset split, and their scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pipeline.conventions.convention import Convention
from pipeline.datasets.crop_table import CropTable
from student.evaluation.model_results import ModelResult
from student.evaluation.per_person import PersonVerdicts
from student.evaluation.predictions import Predictions
from student.evaluation.scores import Scores


@dataclass(frozen=True)
class SplitEvaluation:
    """One dataset split: every model's predictions, and their scores where the split has labels."""

    table: CropTable
    convention: Convention
    results: Mapping[str, ModelResult]
    scores: Mapping[str, Scores]

    @cached_property
    def ordered(self) -> dict[str, Predictions]:
        """By model, with row i for crop i of the table."""
        return {model: result.predictions.in_order_of(self.table) for model, result in self.results.items()}

    @property
    def verdicts(self) -> dict[str, PersonVerdicts]:
        """By model."""
        return {
            model: PersonVerdicts.from_pck(self.table.crop_id, self.convention, scores.torso, scores.head)
            for model, scores in self.scores.items()
        }
