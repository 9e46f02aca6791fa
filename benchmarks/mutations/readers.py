"""What commands do with each kind of file, without the work that comes after."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import torch

from benchmarks.mutations.workspace import STUDENT
from pipeline.conventions.describe import describe_union
from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import build_union
from pipeline.teachers.adapters.registry import build_teacher
from pipeline.workspace import CONFIG, Workspace
from pipeline.workspace_crops import crops_of, people_of
from pipeline.workspace_union import workspace_conventions, workspace_union
from stages.commands.index_datasets import index_datasets
from stages.workspaces.check import missing_files
from stages.workspaces.dvc_file import missing_sections, named_files
from student.ablation.ablation import Ablation
from student.calibration.teacher_calibration import read_calibration
from student.inference.crop_inference import Predictor
from student.network.config import StudentConfig
from student.network.saved import load_student
from student.training.baselines import baseline_workspaces

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Reader:
    """`file` of the workspace is what is made wrong; `read` is what reads it."""

    kind: str
    file: str
    syntax: str
    read: Callable[[Path], object]


def _index(dataset: str, root: Path) -> None:
    """As the command does, and what reads its tables."""
    index_datasets.callback(root=root, names=(dataset,))
    workspace = _workspace(root)
    crops_of(workspace, dataset)
    people_of(workspace, dataset)


_workspace = cache(Workspace.open)
"""Of a folder whose params.yaml stays as it is."""


def _use_params(root: Path) -> None:
    workspace = Workspace.open(root)
    for opened in (workspace, *baseline_workspaces(workspace).values()):
        params = opened.params
        union = workspace_union(opened)
        StudentConfig.from_params(params.student, union)
        params.train.augment_from()
        params.distill_weights()
        describe_union(union, workspace_conventions(opened))
    named_files(workspace)
    missing_sections(workspace)
    missing_files(root)


def _use_teacher(root: Path) -> None:
    workspace = _workspace(root)
    teacher = build_teacher("lamp", workspace.teacher("lamp"), root, CPU)
    width, height = teacher.crop.input_size
    teacher.predict(torch.zeros((2, height, width, 3), dtype=torch.uint8))


def _use_convention(root: Path) -> None:
    conventions = [load_convention("coco17"), load_convention("own.yaml", root)]
    describe_union(build_union(conventions), conventions)


def _use_ablation(root: Path) -> None:
    ablation = Ablation.open(root / "ablation.yaml", root)
    for run in ablation.runs():
        StudentConfig.from_params(run.workspace.params.student, workspace_union(run.workspace))
    ablation.columns  # noqa: B018


def _use_student(root: Path) -> None:
    student = load_student(root / STUDENT, CPU)
    width, height = student.config.crop.input_size
    Predictor(student, CPU).predict_crops(torch.zeros((1, height, width, 3), dtype=torch.uint8))


def _use_unsealed_student(root: Path) -> None:
    """As one from before there was a hash in the file: what is wrong in it is found by looking at it."""
    path = root / STUDENT / CONFIG
    try:
        values = json.loads(path.read_bytes())
        del values["config_sha256"]
        path.write_text(json.dumps(values))
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    _use_student(root)


def _annotations(dataset: str, file: str) -> Reader:
    return Reader(f"annotations ({dataset})", file, "json", partial(_index, dataset))


READERS = (
    _annotations("coco-train", "coco.json"),
    _annotations("mpii", "mpii.json"),
    _annotations("posetrack", "posetrack.json"),
    _annotations("videos", "videos/first.json"),
    _annotations("boxed", "coco.json"),
    _annotations("listed", "list.json"),
    Reader("boxes (coco)", "boxes.json", "json", partial(_index, "coco-boxes")),
    Reader("boxes (images)", "boxes.json", "json", partial(_index, "found")),
    Reader("params", "params.yaml", "yaml", _use_params),
    Reader("params", "params.yaml", "yaml", _use_params),
    Reader("params", "params.yaml", "yaml", _use_params),
    Reader("sidecar", "lamp.yaml", "yaml", _use_teacher),
    Reader("convention", "own.yaml", "yaml", _use_convention),
    Reader("ablation", "ablation.yaml", "yaml", _use_ablation),
    Reader("student.json", f"{STUDENT}/{CONFIG}", "json", _use_student),
    Reader("student.json, no hash", f"{STUDENT}/{CONFIG}", "json", _use_unsealed_student),
    Reader(
        "calibration", "calibration.json", "json", lambda root: read_calibration(root / "calibration.json")
    ),
)
"""Trials go to them in turn; what stands here more often is tried more often."""
