"""What the commands do to read each kind of file, on an open workspace.

A reader returns what the files say, raises a KDError, or `Noticed` where the product compares what it read
with what it recorded earlier and finds a difference.
"""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.faults.small_workspace import DATASETS, TEACHERS
from pipeline.conventions.registry import load_convention
from pipeline.datasets.crop_table import CropTable
from pipeline.datasets.index import index_dataset
from pipeline.datasets.indexed_images import IndexedImages
from pipeline.params import Params
from pipeline.store.manage.info import describe_store, store_info
from pipeline.teachers.adapters.registry import build_teacher
from pipeline.workspace import Workspace
from pipeline.workspace_crops import crops_of, people_of
from stages.workspaces.dvc_file import missing_sections, named_files
from student.ablation.ablation import Ablation
from student.ablation.results import read_result, read_teachers
from student.ablation.runs.data_identity import data_identity
from student.ablation.runs.run_folder import state_of
from student.calibration.calibrate import fitted_on
from student.calibration.teacher_calibration import read_calibration
from student.data.teacher_stores import open_cell
from student.data.training_data import open_training_data
from student.network.config import StudentConfig
from student.network.init.initial_student import initial_student
from student.network.saved import load_student, trained_with
from student.training.checkpoint import changes
from student.training.train import CHECKPOINT
from student.training.training_run import TrainingRun, training_settings

CPU = torch.device("cpu")


class Noticed(Exception):
    """The product compares what it read with what it recorded, and they differ."""


def read_tables(workspace: Workspace) -> list[Any]:
    tables = [read(workspace, name) for name in DATASETS for read in (crops_of, people_of)]
    return [getattr(table, field.name) for table in tables for field in fields(CropTable)]


def read_images(workspace: Workspace) -> list[Any]:
    tables = [crops_of(workspace, name) for name in DATASETS]
    return [IndexedImages(table).read(row) for table in tables for row in range(len(table))]


def read_annotations(workspace: Workspace) -> list[Any]:
    """Indexed again, though a file that is not the one of the table is refused before anybody trains."""
    for name in DATASETS:
        index_dataset(name, workspace.dataset(name), workspace.root, workers=1)
    return read_tables(workspace)


def read_stores(workspace: Workspace) -> list[Any]:
    """Every array and every map of every store."""
    found: list[Any] = []
    for name in DATASETS:
        table = crops_of(workspace, name)
        for teacher in TEACHERS:
            path = workspace.store(teacher, name)
            describe_store(str(path), store_info(path))
            reader = open_cell(workspace, teacher, table)
            names = [array.name for array in reader._store.layout.sealed if not array.is_map]
            found += [reader.attributes, reader.read(np.arange(len(reader)))]
            found += [reader.column(column) for column in names]
    return found


def read_teachers_files(workspace: Workspace) -> list[Any]:
    """Answers to a picture; the stores show whether they are those of the teacher that filled them."""
    picture = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (1, 64, 48, 3), np.uint8))
    table, found = crops_of(workspace, DATASETS[0]), []
    for name in TEACHERS:
        teacher = build_teacher(name, workspace.teacher(name), workspace.root, CPU)
        found.append(teacher.predict(picture))
        open_cell(workspace, name, table)
    return found


def read_first_weights(config: StudentConfig, workspace: Workspace, identity: str) -> Any:
    """`identity` is what the trained student began with, as its checkpoint has it."""
    start = initial_student(config, workspace.params.student, workspace.root)
    if start.identity != identity:
        raise Noticed
    return start.student.backbone.state_dict()


def read_checkpoints(runs: Sequence[tuple[Path, TrainingRun]]) -> list[Any]:
    """Trainings that resume from their checkpoints."""
    found = []
    for folder, run in runs:
        if run.resume(folder / CHECKPOINT):
            raise Noticed
        state = run.state_dict()
        found.append([state["trainer"], state["history"], state["tally"]["steps"]])
    return found


def read_students(folders: Sequence[Path]) -> list[Any]:
    students = [load_student(folder, CPU) for folder in folders]
    settings = [trained_with(folder) for folder in folders]
    return [[student.state_dict(), student.config.as_dict()] for student in students] + settings


def read_calibrations(labels_and_stores: dict[str, Any], paths: Sequence[Path]) -> list[Any]:
    files = [read_calibration(path) for path in paths]
    for path, file in zip(paths, files, strict=True):
        file.check(labels_and_stores, path)
    return [[file.teachers, file.offsets, file.fitted_on] for file in files]


def read_settings(root: Path, identity: dict[str, Any], sections: dict[str, Any]) -> Any:
    """`identity` is the trained student's, as its checkpoint has it; `sections` are those of params.yaml that
    DVC compares. `runtime` changes no output, so nothing compares it."""
    workspace = Workspace.open(root)
    training_data = open_training_data(workspace)
    found = {"data": training_data.identity, **training_settings(workspace.params)}
    if changes({name: identity[name] for name in found}, found):
        raise Noticed
    if compared_by_dvc(workspace.params) != sections:
        raise Noticed
    return load_convention("street.yaml", root).meaning_sha256


def compared_by_dvc(params: Params) -> dict[str, Any]:
    return params.model_dump(mode="json", exclude={"runtime"})


def read_ablation(root: Path, path: Path, asked: dict[str, Any]) -> list[Any]:
    """The numbers of all runs, as the table has them. `asked` is the file's content: it is the user's own,
    and the table says what it compares."""
    ablation = Ablation.open(path, root)
    if ablation.file.model_dump() != asked:
        raise Noticed
    found = []
    for run in ablation.runs():
        if not state_of(run, data_identity(run.workspace)).finished:
            raise Noticed
        found.append(read_result(run, ablation.file.metric, ablation.columns))
    measured = {name: {"PCK20"} for name in (DATASETS[1],)}
    folder = ablation.teachers.evaluation
    return [*found, *read_teachers(folder, TEACHERS, ablation.file.metric, ablation.columns, measured)]


def read_dvc_file(workspace: Workspace) -> None:
    """Nothing of it reaches a number: only which of its sections and dependencies a user should know of."""
    missing_sections(workspace)
    named_files(workspace)


def labels_and_stores(workspace: Workspace) -> dict[str, Any]:
    return fitted_on(open_training_data(workspace))
