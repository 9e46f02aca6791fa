"""An evaluation as a whole, and the files it leaves in the workspace."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.conventions.convention import Convention
from pipeline.files.atomic import make_folder, replacing_entries, write_atomically
from pipeline.files.durable import taking_turns
from student.evaluation.figures.overlay import write_overlays
from student.evaluation.figures.person_panels import Columns
from student.evaluation.figures.side_by_side import write_side_by_side
from student.evaluation.metric_files import (
    DETAILS,
    METRICS,
    write_coverage,
    write_details,
    write_metrics,
    write_per_joint,
    write_reliability,
)
from student.evaluation.pck_view import means_of
from student.evaluation.per_person import FILE_NAME as PER_PERSON
from student.evaluation.per_person import write_per_person
from student.evaluation.predictions import write_predictions
from student.evaluation.scores import Scores
from student.evaluation.split_evaluation import SplitEvaluation
from student.evaluation.table import markdown_table

FILES = (
    "predictions",
    "overlays",
    "coverage.json",
    "per_joint.csv",
    PER_PERSON,
    "reliability.json",
    "table.md",
    DETAILS,
    METRICS,
)
"""What an evaluation consists of, in the order in which it comes into its place."""


@dataclass(frozen=True)
class EvaluationReport:
    """Every model on every split, by our names for both."""

    students: tuple[str, ...]
    """The workspace's own first."""
    teachers: tuple[str, ...]
    splits: Mapping[str, SplitEvaluation]

    @property
    def models(self) -> tuple[str, ...]:
        return (*self.students, *self.teachers)

    @property
    def scores(self) -> dict[str, Mapping[str, Scores]]:
        """dataset -> model -> scores, of the splits that have labels."""
        return {name: split.scores for name, split in self.splits.items() if split.scores}

    @property
    def conventions(self) -> dict[str, Convention]:
        """By dataset."""
        return {name: split.convention for name, split in self.splits.items()}

    def table(self) -> str:
        """Markdown tables, aligned to be printed: a row per model, PCK and AP of each dataset, and means."""
        return markdown_table(self.scores, self.models, self.conventions)

    def write(self, folder: Path, overlays: int) -> None:
        """Predictions, pictures of `overlays` people per dataset, and the numbers, metrics.json last: of
        the first student, so there is none without one.

        Those of an earlier evaluation stay until all are written, and go then: a model that is gone would
        seem evaluated.

        Raises:
            KDError: the folder cannot be written.
        """
        with taking_turns(make_folder(folder)), replacing_entries(folder, FILES) as draft:
            self._write(draft, overlays)

    def _write(self, folder: Path, overlays: int) -> None:
        for name in ("predictions", "overlays"):
            make_folder(folder / name)
        for name, split in self.splits.items():
            predictions = {model: result.predictions for model, result in split.results.items()}
            for model, of_model in predictions.items():
                write_predictions(folder / "predictions" / name / f"{model}.json", of_model, split.table)
            write_overlays(
                folder / "overlays" / f"{name}.png", split.table, split.convention, predictions, overlays
            )
        write_side_by_side(folder / "overlays", self.splits, self._columns(), overlays)
        self._write_numbers(folder)

    def _columns(self) -> Columns:
        """Teachers without predictions anywhere have no panel."""
        answered = {model for split in self.splits.values() for model in split.results}
        return Columns(tuple(teacher for teacher in self.teachers if teacher in answered), self.students)

    def _write_numbers(self, folder: Path) -> None:
        mappings = {
            name: {model: result.mapping for model, result in split.results.items()}
            for name, split in self.splits.items()
        }
        write_coverage(folder / "coverage.json", self.scores, mappings)
        write_per_joint(folder / "per_joint.csv", self.scores)
        write_per_person(folder / PER_PERSON, {name: split.verdicts for name, split in self.splits.items()})
        write_reliability(folder / "reliability.json", self.scores)
        write_atomically(folder / "table.md", self.table())
        means = means_of(self.scores, self.conventions)
        write_details(folder / DETAILS, self.scores, means)
        for student in self.students[:1]:
            write_metrics(folder / METRICS, self.scores, means, student)
