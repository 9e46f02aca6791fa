"""A small ablation: two datasets, two teachers, three arms, two seeds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pipeline.workspace import Workspace
from student.ablation.ablation import Ablation
from student.ablation.comparison import Comparison
from student.ablation.results import RunResult, TeacherResult
from student.ablation.runs.run_record import RunRecord
from student.evaluation.metrics.pck import MET, MISSED, NO_LABEL, NOT_PREDICTED
from student.evaluation.per_person import PersonVerdicts

FILE = {
    "name": "toy",
    "seeds": [0, 1],
    "base": {"train.epochs": 1},
    "arms": {
        "gt": {"distill.weight": 0},
        "kd": {},
        "gt_first": {"distill.weight": 0, "train.datasets": ["first"]},
    },
    "baseline": "gt",
    "groups": {"trunk": {"datasets": ["second"], "joints": ["pelvis", "thorax"]}},
}


@pytest.fixture
def workspace(tiny) -> Workspace:
    """Crops of two datasets, and params that name two teachers; no store yet."""
    tiny.add_dataset("first", 4)
    tiny.add_dataset("second", 3, convention="mpii16", seed=1)
    return tiny.open(("dots_heatmap", "dots_simcc"))


@pytest.fixture
def open_ablation(workspace: Workspace, tmp_path: Path) -> Callable[..., Ablation]:
    """The ablation of `FILE` with other sections; a section that is None is left out."""

    def open_with(**sections: Any) -> Ablation:
        sections = {key: value for key, value in {**FILE, **sections}.items() if value is not None}
        path = tmp_path / "toy.yaml"
        path.write_text(yaml.safe_dump(sections, sort_keys=False))
        return Ablation.open(path, workspace.root)

    return open_with


def record(arm: str, seed: int, **changes: Any) -> RunRecord:
    defaults = {
        "arm": arm,
        "seed": seed,
        "seconds": 100.0,
        "resumed_from_epoch": 0,
        "steps": 40,
        "teacher_forward_passes": 0,
        "threads": 1,
        "versions": {},
        "data": {"evaluate": {"first": ["aa"]}},
    }
    return RunRecord(**{**defaults, **changes})


@pytest.fixture
def make_result() -> Callable[..., RunResult]:
    """A result from its values by column."""

    def make(arm: str, seed: int, values: dict[str, float], **changes: Any) -> RunResult:
        metrics = {
            name: {"AP": value / 2, "PCK20": value} for name, value in values.items() if name == "first"
        }
        lacking = frozenset(changes.pop("incomplete", ()))
        not_predicted, verdicts = changes.pop("not_predicted", {}), changes.pop("verdicts", {})
        return RunResult(
            arm=arm,
            seed=seed,
            record=record(arm, seed, **changes),
            metrics=metrics,
            values=values,
            not_predicted=not_predicted,
            incomplete=lacking,
            verdicts=verdicts,
        )

    return make


@pytest.fixture
def make_teacher() -> Callable[..., TeacherResult]:
    """A teacher's result from its values by column."""

    def make(teacher: str, values: dict[str, float], **changes: Any) -> TeacherResult:
        numbers = {"metrics": {}, "not_predicted": {}, "incomplete": frozenset(), **changes}
        return TeacherResult(teacher=teacher, values=values, **numbers)

    return make


@pytest.fixture
def make_comparison(open_ablation) -> Callable[..., Comparison]:
    """Of given results, in the columns of `FILE`."""

    def make(*results: RunResult, **changes: Any) -> Comparison:
        ablation = open_ablation()
        defaults = {
            "name": "toy",
            "metric": "PCK20",
            "baseline": "gt",
            "arms": ("gt", "kd"),
            "columns": ablation.columns,
            "results": list(results),
        }
        return Comparison(**{**defaults, **changes})

    return make


@pytest.fixture
def verdicts_of() -> Callable[..., PersonVerdicts]:
    """Verdicts on PCK@0.2 from rows of people: "m" met, "x" missed, "?" not predicted, " " no label."""

    def make(*people: str, joints: tuple[str, ...] = ("nose", "left_hip", "right_hip")) -> PersonVerdicts:
        codes = {" ": NO_LABEL, "?": NOT_PREDICTED, "x": MISSED, "m": MET}
        verdict_NK = np.array([[codes[letter] for letter in row] for row in people], np.uint8)
        return PersonVerdicts(np.arange(len(people)), joints[: verdict_NK.shape[1]], {"PCK20": verdict_NK})

    return make


@pytest.fixture
def record_of() -> Callable[..., RunRecord]:
    """A run's record, by arm and seed."""
    return record
