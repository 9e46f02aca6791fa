"""Every kind of file that a run reads, in a workspace that `make_small_workspace` made."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.faults import file_readers as readers
from benchmarks.faults.small_workspace import ABLATION, GIVEN_CALIBRATION, OTHER_STUDENT
from pipeline.workspace import CONFIG, WEIGHTS, Workspace
from student.ablation.ablation import Ablation
from student.ablation.runs.result_seal import FILE_NAME, RESULTS
from student.data.training_data import open_training_data
from student.training.train import CALIBRATION, CHECKPOINT
from student.training.training_run import TrainingRun


@dataclass(frozen=True)
class FileKind:
    """`read` looks at all of `files`, as a command would (`benchmarks.faults.file_readers`)."""

    name: str
    files: tuple[Path, ...]
    read: Callable[[], Any]


def file_kinds(workspace: Workspace) -> list[FileKind]:
    """In the order in which a run reads them."""
    root = workspace.root

    def found(name: str, pattern: str, read: Callable[..., Any]) -> FileKind:
        files = tuple(sorted(path for path in root.glob(pattern) if path.is_file()))
        return FileKind(name, files, partial(read, workspace))

    return [
        *_of_settings(workspace),
        found("annotations and boxes", "street-*.json", readers.read_annotations),
        found("images", "images/*/*", readers.read_images),
        found("crop tables", "crops/**/*.parquet", readers.read_tables),
        found("teachers and their sidecars", "teachers/*/*", readers.read_teachers_files),
        found("stores: shards", "stores/**/c.*", readers.read_stores),
        found("stores: metadata", "stores/**/*.json", readers.read_stores),
        *_of_students(workspace),
        *_of_ablations(root),
        found("dvc.yaml", "dvc.yaml", readers.read_dvc_file),
    ]


def _of_settings(workspace: Workspace) -> list[FileKind]:
    sections = readers.compared_by_dvc(workspace.params)
    read = partial(readers.read_settings, workspace.root, _training(workspace).identity, sections)
    return [
        FileKind("params.yaml", (workspace.path("params.yaml"),), read),
        FileKind("a convention", (workspace.path("street.yaml"),), read),
    ]


def _of_students(workspace: Workspace) -> list[FileKind]:
    ablation = Ablation.open(workspace.path(ABLATION), workspace.root)
    runs = [workspace, *(run.workspace for run in ablation.runs())]
    trainings = [(run.run, _training(run)) for run in runs]
    folders = (workspace.run, workspace.path(OTHER_STUDENT))
    calibrations = (workspace.run / CALIBRATION, workspace.path(GIVEN_CALIBRATION))
    begun = trainings[0][1].identity["init"]
    config = open_training_data(workspace).student
    return [
        FileKind(
            "first weights",
            (workspace.path(workspace.params.student.init.backbone),),
            partial(readers.read_first_weights, config, workspace, begun),
        ),
        FileKind(
            "calibrations",
            calibrations,
            partial(readers.read_calibrations, readers.labels_and_stores(workspace), calibrations),
        ),
        FileKind(
            "training checkpoints",
            tuple(folder / CHECKPOINT for folder, _ in trainings),
            partial(readers.read_checkpoints, trainings),
        ),
        FileKind(
            "students",
            tuple(folder / name for folder in folders for name in (WEIGHTS, CONFIG)),
            partial(readers.read_students, folders),
        ),
    ]


def _training(workspace: Workspace) -> TrainingRun:
    return TrainingRun(workspace.params, open_training_data(workspace), readers.CPU, workspace.root)


def _of_ablations(root: Path) -> list[FileKind]:
    path = root / ABLATION
    ablation = Ablation.open(path, root)
    folders = [ablation.teachers.evaluation, *(run.workspace.evaluation for run in ablation.runs())]
    results = [
        folder / name for folder in folders for name in (*RESULTS, FILE_NAME) if (folder / name).is_file()
    ]
    records = [run.folder / name for run in ablation.runs() for name in ("params.yaml", "run.json")]
    read = partial(readers.read_ablation, root, path, ablation.file.model_dump())
    return [
        FileKind("an ablation's file", (path,), read),
        FileKind("an ablation's runs", (*records, *results), read),
    ]
