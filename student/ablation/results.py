"""The numbers of finished runs and of teachers, read back from their evaluations."""

import csv
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline.errors import KDError
from student.ablation.ablation import Run
from student.ablation.column import Column
from student.ablation.runs.result_seal import check_results
from student.ablation.runs.run_record import RunRecord, read_record
from student.evaluation.evaluate import STUDENT
from student.evaluation.metric_files import DETAILS, METRICS
from student.evaluation.metrics.pck import LIMB_JOINTS
from student.evaluation.pck_view import MEAN
from student.evaluation.per_person import FILE_NAME as PER_PERSON
from student.evaluation.per_person import PersonVerdicts, read_per_person

Metrics = Mapping[str, Mapping[str, float]]
"""dataset -> metric -> fraction from 0 to 1."""
_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading results that are not as they were written can end in."""


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Of one model, fractions from 0 to 1; what cannot be measured is absent."""

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


@dataclass(frozen=True, kw_only=True)
class RunResult(Numbers):
    """Of the student of one run."""

    arm: str
    seed: int
    record: RunRecord


@dataclass(frozen=True, kw_only=True)
class TeacherResult(Numbers):
    """Of one teacher. Columns over several datasets have a value only where it has an answer on each."""

    teacher: str


def read_result(run: Run, metric: str, columns: Sequence[Column]) -> RunResult:
    """Results of a finished run.

    Raises:
        KDError: its files are not all there, or cannot be read.
    """
    try:
        numbers = _read_numbers(run.workspace.evaluation, STUDENT, metric, columns)
    except (*_DAMAGE, KDError) as error:
        raise _unreadable(run, error) from None
    record = read_record(run.folder, run.arm, run.seed)
    if record is None:
        raise _unreadable(run, "there is no run.json of this run")
    return RunResult(arm=run.arm, seed=run.seed, record=record, **vars(numbers))


def read_teachers(
    evaluation: Path,
    teachers: Sequence[str],
    metric: str,
    columns: Sequence[Column],
    measured: Mapping[str, Collection[str]],
) -> list[TeacherResult]:
    """Of those teachers that have a value in any column; none where the folder has no evaluation.

    `measured` are the metrics that runs have, by dataset: where a teacher lacks one of those datasets, its
    mean would be over others than theirs, and is left out.

    Raises:
        KDError: the evaluation's files are not all there, or cannot be read.
    """
    if not any((evaluation / name).exists() for name in (DETAILS, METRICS)):
        return []
    try:
        found = [(name, _read_numbers(evaluation, name, metric, columns)) for name in teachers]
    except (*_DAMAGE, KDError) as error:
        raise KDError(
            f"the teachers' results in {evaluation} cannot be read ({error}). Write them again: kd-pipeline "
            "ablate FILE"
        ) from None
    return [
        TeacherResult(teacher=name, **vars(replace(numbers, values=values)))
        for name, numbers in found
        if (values := _values_on_all(numbers, metric, columns, measured))
    ]


def _values_on_all(
    numbers: Numbers, metric: str, columns: Sequence[Column], measured: Mapping[str, Collection[str]]
) -> dict[str, float]:
    def has_all(column: Column) -> bool:
        return all(
            name in numbers.metrics
            and (column.kind == "group" or metric in numbers.metrics[name] or metric not in measured[name])
            for name in column.datasets
            if name in measured
        )

    return {
        column.name: numbers.values[column.name]
        for column in columns
        if column.name in numbers.values and has_all(column)
    }


def _read_numbers(evaluation: Path, model: str, metric: str, columns: Sequence[Column]) -> Numbers:
    check_results(evaluation)
    metrics = {
        name: models[model]
        for name, models in _read_details(evaluation).items()
        if name != MEAN and model in models
    }
    coverage = _read_json(evaluation / "coverage.json")
    left_out = {
        name: tuple(models[model]["not_predicted"]) for name, models in coverage.items() if model in models
    }
    joints = _read_joints(evaluation / "per_joint.csv", model)
    values = {column.name: _value(column, metric, metrics, joints) for column in columns}
    per_person = evaluation / PER_PERSON
    return Numbers(
        metrics=metrics,
        values={name: value for name, value in values.items() if value is not None},
        not_predicted=left_out,
        incomplete=frozenset(column.name for column in columns if _lacks_joints(column, metric, left_out)),
        verdicts=read_per_person(per_person, model) if per_person.exists() else {},
    )


def _read_details(evaluation: Path) -> dict[str, Any]:
    """All numbers. An earlier version wrote them into metrics.json, models below datasets."""
    if (evaluation / DETAILS).exists():
        return _read_json(evaluation / DETAILS)
    earlier = _read_json(evaluation / METRICS)
    if not all(isinstance(model, dict) for models in earlier.values() for model in models.values()):
        raise KDError(f"there is no {DETAILS}")
    return earlier


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


def _read_joints(path: Path, model: str) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["model"] == model]


def _unreadable(run: Run, error: object) -> KDError:
    return KDError(
        f"the results of {run} in {run.folder} cannot be read ({error}). Delete that folder and run "
        "kd-pipeline ablate again."
    )
