"""The numbers of an evaluation as files: details.json has all, metrics.json the few that DVC compares,
per_joint.csv its plot; coverage.json, reliability.json."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.files.atomic import write_atomically
from student.evaluation.joint_mapping import JointMapping
from student.evaluation.pck_view import MEAN
from student.evaluation.scores import Scores

ScoresByModel = Mapping[str, Mapping[str, Scores]]
"""dataset -> model -> its scores; datasets go by our own names: two can share a class, none shares a name."""

METRICS = "metrics.json"
DETAILS = "details.json"
_HEADLINES = ("PCK20", "PCKh50", "AP")
"""Of a dataset, the first of them that it can be measured by."""

PER_JOINT_COLUMNS = ("dataset", "model", "joint", "pck", "pckh", "labels")


def write_metrics(
    path: Path, scores: ScoresByModel, means: Mapping[str, Mapping[str, float]], model: str
) -> Path:
    """One model's means, then one number of each dataset and how many people it is over: what `dvc metrics`
    and `dvc exp show` have a column for."""
    headlines = {dataset: _headline(models[model]) for dataset, models in scores.items() if model in models}
    means_of_model = {MEAN: means[model]} if model in means else {}
    return write_atomically(path, _json(means_of_model | headlines))


def _headline(scores: Scores) -> dict[str, float]:
    flat = scores.flat()
    names = [name for name in _HEADLINES if name in flat][:1]
    return {name: flat[name] for name in names} | {"people": scores.persons}


def write_details(
    path: Path, scores: ScoresByModel, means: Mapping[str, Mapping[str, float]] | None = None
) -> Path:
    """`{dataset: {model: {metric: fraction}}}`, in the order of params.yaml: a diff shows what moved.

    `means`, by model, stand under `mean` after the datasets.
    """
    flat = {dataset: {model: s.flat() for model, s in models.items()} for dataset, models in scores.items()}
    return write_atomically(path, _json(flat | ({MEAN: means} if means else {})))


def write_coverage(
    path: Path, scores: ScoresByModel, mappings: Mapping[str, Mapping[str, JointMapping]]
) -> Path:
    """What each number is over: joints left out, joints read from a `similar` one, persons PCK had to skip.

    Not metrics: DVC would offer to compare them.
    """
    coverage = {
        dataset: {
            model: _coverage(mapping, scores.get(dataset, {}).get(model)) for model, mapping in models.items()
        }
        for dataset, models in mappings.items()
    }
    return write_atomically(path, _json(coverage))


def _coverage(mapping: JointMapping, scores: Scores | None) -> dict[str, Any]:
    joints = {"not_predicted": list(mapping.not_predicted), "similar": list(mapping.similar)}
    if scores is None:
        return joints
    skipped = {
        name: share.persons_skipped
        for name, share in (("PCK20", scores.torso), ("PCKh50", scores.head))
        if share is not None
    }
    return {**joints, "persons": scores.persons, "persons_skipped": skipped}


def write_reliability(path: Path, scores: ScoresByModel) -> Path:
    """`{dataset: {model: [bin]}}`: how often joints of a score are right. Empty bins are left out."""
    curves = {
        dataset: {model: [found.rounded() for found in s.reliability] for model, s in models.items()}
        for dataset, models in scores.items()
    }
    return write_atomically(path, _json(curves))


def write_per_joint(path: Path, scores: ScoresByModel) -> Path:
    """A row per dataset, model and joint that is labelled and predicted.

    `pckh` is empty where the convention has no head segment; `labels` are those that `pck` is over.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(PER_JOINT_COLUMNS)
    for dataset, models in scores.items():
        for model, model_scores in models.items():
            writer.writerows((dataset, model, *row) for row in _joint_rows(model_scores))
    return write_atomically(path, text.getvalue())


def _joint_rows(scores: Scores) -> Iterator[tuple[str, str, str, int]]:
    share = scores.torso or scores.head
    for joint, labels in zip(share.joints, share.counted, strict=True) if share else ():
        torso = scores.torso.of_joint(joint) if scores.torso else None
        head = scores.head.of_joint(joint) if scores.head else None
        if torso is not None or head is not None:
            yield joint, _fraction(torso), _fraction(head), int(labels)


def _fraction(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"
