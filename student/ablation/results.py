"""The numbers of finished runs, read back from their evaluations."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import KDError
from student.ablation.ablation import Run
from student.ablation.column import Column
from student.ablation.run_record import RunRecord, read_record
from student.evaluation.evaluate import STUDENT
from student.evaluation.pck import LIMB_JOINTS
from student.evaluation.pck_view import MEAN
from student.evaluation.per_person import FILE_NAME as PER_PERSON
from student.evaluation.per_person import PersonVerdicts, read_per_person

Metrics = Mapping[str, Mapping[str, float]]
"""dataset -> metric -> fraction from 0 to 1."""


@dataclass(frozen=True)
class RunResult:
    """Numbers of one run, fractions from 0 to 1; what cannot be measured is absent."""

    arm: str
    seed: int
    record: RunRecord
    metrics: Metrics
    """All that the evaluation has."""
    values: Mapping[str, float]
    """The compared metric by column."""
    not_predicted: Mapping[str, tuple[str, ...]]
    """dataset -> joints that are in no number of it."""
    incomplete: frozenset[str]
    """Columns over fewer joints than they name."""
    verdicts: Mapping[str, PersonVerdicts] = field(default_factory=dict)
    """By dataset; empty for a run that an earlier version evaluated."""


def read_result(run: Run, metric: str, columns: Sequence[Column]) -> RunResult:
    """Results of a finished run.

    Raises:
        KDError: its files are not all there, or cannot be read.
    """
    evaluation = run.workspace.evaluation
    try:
        metrics = {
            name: models[STUDENT]
            for name, models in _read_json(evaluation / "metrics.json").items()
            if name != MEAN
        }
        coverage = _read_json(evaluation / "coverage.json")
        left_out = {name: tuple(models[STUDENT]["not_predicted"]) for name, models in coverage.items()}
        joints = _read_joints(evaluation / "per_joint.csv")
        values = {column.name: _value(column, metric, metrics, joints) for column in columns}
        per_person = evaluation / PER_PERSON
        verdicts = read_per_person(per_person, STUDENT) if per_person.exists() else {}
    except (OSError, ValueError, KeyError, TypeError, KDError) as error:
        raise _unreadable(run, error) from None
    record = read_record(run.folder)
    if record is None:
        raise _unreadable(run, "there is no run.json")
    return RunResult(
        arm=run.arm,
        seed=run.seed,
        record=record,
        metrics=metrics,
        values={name: value for name, value in values.items() if value is not None},
        not_predicted=left_out,
        incomplete=frozenset(column.name for column in columns if _lacks_joints(column, metric, left_out)),
        verdicts=verdicts,
    )


def _value(
    column: Column, metric: str, metrics: Metrics, joints: Sequence[Mapping[str, str]]
) -> float | None:
    if column.joints is not None:
        return pooled(joints, column.datasets, column.joints, metric)
    values = [metrics[name][metric] for name in column.datasets if metric in metrics.get(name, {})]
    return sum(values) / len(values) if values else None


def pooled(
    rows: Sequence[Mapping[str, str]], datasets: Sequence[str], joints: Sequence[str], metric: str
) -> float | None:
    """The share of labels that are met, of all these joints and datasets together; None without any.

    `rows` are those of per_joint.csv. PCKh@0.5 where the metric is PCKh50, else PCK@0.2 of the torso.
    """
    column = "pckh" if metric == "PCKh50" else "pck"
    met, labels = 0.0, 0
    for row in rows:
        if row["dataset"] in datasets and row["joint"] in joints and row[column]:
            met += float(row[column]) * int(row["labels"])
            labels += int(row["labels"])
    return met / labels if labels else None


def _lacks_joints(column: Column, metric: str, not_predicted: Mapping[str, tuple[str, ...]]) -> bool:
    wanted = LIMB_JOINTS if metric == "PCK20_limbs" and column.joints is None else column.joints
    left_out = {joint for name in column.datasets for joint in not_predicted.get(name, ())}
    return bool(left_out if wanted is None else left_out & set(wanted))


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _read_joints(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["model"] == STUDENT]


def _unreadable(run: Run, error: object) -> KDError:
    return KDError(
        f"the results of {run} in {run.folder} cannot be read ({error}). Delete that folder and run "
        "kd-pipeline ablate again."
    )
