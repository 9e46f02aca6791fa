"""All that a student in a workspace is trained on: labels, stores, and their union skeleton."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float32

from pipeline.conventions.convention import Convention
from pipeline.conventions.registry import load_convention, meanings_of
from pipeline.datasets.crop_table import CropTable
from pipeline.errors import KDError
from pipeline.files.hashes import sha256_of
from pipeline.params import Params, ViewsParams
from pipeline.store.read.reader import StoreReader
from pipeline.workspace import Workspace
from pipeline.workspace_crops import crops_of
from pipeline.workspace_union import workspace_convention_names, workspace_union
from student.data.split import TrainingSplit, relations_of
from student.data.teacher_stores import open_cell, stored_convention, teacher_spec_of
from student.network.config import StudentConfig
from student.targets.teacher_spec import TeacherSpec
from student.training.checkpoint import MEANINGS


@dataclass(frozen=True)
class TrainingData:
    """The splits to train on and the teachers that answered any of them."""

    student: StudentConfig
    splits: Sequence[TrainingSplit]
    teacher_specs: Sequence[TeacherSpec]
    identity: dict[str, Any]
    """Hashes of tables, stores and conventions: a training resumes only where they are the same."""
    split_conventions: Mapping[str, Convention]
    """Of the splits that have one: where no person is labelled, none is needed."""
    teacher_conventions: Mapping[str, Convention]
    """In the order of the teacher's maps."""
    label_offsets: Mapping[str, Float32[np.ndarray, "u 2"]] = field(default_factory=dict)
    """By dataset: how far each union joint lies from the dataset's own (`student.calibration.offsets`)."""
    warnings: tuple[str, ...] = ()
    """Warnings for the user."""


def open_training_data(workspace: Workspace) -> TrainingData:
    """Crop tables of `train.datasets`, and the stores that `cells` and `distill` name for them.

    Without a distillation weight no store is needed, and datasets without labels are left out. No map is
    read here, only the arrays beside them.

    Raises:
        KDError: a table or store is missing, incomplete or stale; a teacher or a dataset teaches nothing.
    """
    params = workspace.params
    union = workspace_union(workspace)
    student = StudentConfig.from_params(params.student, union)
    tables = [crops_of(workspace, name) for name in _taught_datasets(workspace)]
    splits = [_split(workspace, table, student) for table in tables]
    readers = _readers(params, splits)
    if params.distill.weight > 0 and not readers:
        raise _no_teacher_teaches(workspace)
    return TrainingData(
        student=student,
        splits=splits,
        teacher_specs=[
            replace(
                teacher_spec_of(workspace, name, reader, union, student),
                min_confidence=params.distill.min_confidence,
                reads_maps=params.distill.targets == "maps",
            )
            for name, reader in readers.items()
        ],
        identity={split.table.dataset: _identity(split) for split in splits}
        | _given_calibration(workspace)
        | {MEANINGS: _meanings(workspace, tables, readers)},
        warnings=tuple(_warnings(params, readers)),
        split_conventions={
            table.dataset: load_convention(table.convention, workspace.root)
            for table in tables
            if table.convention is not None
        },
        teacher_conventions={
            name: stored_convention(workspace, name, reader) for name, reader in readers.items()
        },
    )


def _taught_datasets(workspace: Workspace) -> list[str]:
    """Of train.datasets. Without distillation, pictures that have no labels are left out: so a training on
    labels alone is the same workspace's with distill.weight 0.

    Raises:
        KDError: none is left.
    """
    params = workspace.params
    taught = [
        name
        for name in dict.fromkeys(params.train.datasets)
        if params.distill.weight > 0 or params.datasets[name].has_labels
    ]
    if not taught:
        raise KDError(
            f"distill.weight is 0, and no dataset of train.datasets ({', '.join(params.train.datasets)}) has "
            "labels, so nothing is taught. Add a labelled dataset, or raise distill.weight."
        )
    return taught


def _readers(params: Params, splits: Sequence[TrainingSplit]) -> dict[str, StoreReader]:
    """One store of every teacher that was run on any of the splits, in the order of params."""
    found = {name: reader for split in splits for name, reader in split.readers.items()}
    return {name: found[name] for name in params.distill_weights() if name in found}


def _no_teacher_teaches(workspace: Workspace) -> KDError:
    params = workspace.params
    weighted = [name for name, weight in params.distill_weights().items() if weight > 0]
    found, remedy = (
        (
            f"no teacher with a weight ({', '.join(weighted)}) is run over any of train.datasets "
            f"({', '.join(params.train.datasets)})",
            "Add one to cells.datasets, and to the teacher's own datasets where it has such a list",
        )
        if weighted
        else ("no teacher in distill.teachers has a weight", "Give one a weight")
    )
    return KDError(
        f"distill.weight is {params.distill.weight:g}, but {found}, so no teacher teaches. {remedy}; or set "
        "distill.weight to 0 to train on labels alone."
    )


def _split(workspace: Workspace, table: CropTable, student: StudentConfig) -> TrainingSplit:
    readers = {name: open_cell(workspace, name, table) for name in _teachers_of(workspace, table.dataset)}
    for reader in readers.values():
        reader.load_columns()
        _check_views(reader, workspace.params.extract.views)
    relations = relations_of(table, student.skeleton, workspace.root)
    domain = workspace.dataset(table.dataset).domain or ""
    return TrainingSplit(table, relations, readers, workspace.params.extract.views, domain)


def _check_views(reader: StoreReader, wanted: ViewsParams) -> None:
    """A store may have fewer views than are wanted, but not other ones: they would be looked for in vain."""
    stored = ViewsParams(**reader.attributes["views"])
    changed = [
        f"{name} {getattr(stored, name)}, but now it is {getattr(wanted, name)}"
        for name in ViewsParams.model_fields
        if name != "count" and getattr(stored, name) != getattr(wanted, name)
    ]
    if changed and reader.views and wanted.count:
        cell = reader.attributes
        raise KDError(
            f"{reader.path} holds views that were drawn with {'; '.join(changed)} (extract.views in "
            "params.yaml). Either restore what changed, or append the new views: "
            f"kd-pipeline extract-teachers --teacher {cell['teacher']} --dataset {cell['dataset']}"
        )


def _teachers_of(workspace: Workspace, dataset: str) -> list[str]:
    """Teachers with a weight that are run over the dataset, in the order of params."""
    params = workspace.params
    if params.distill.weight == 0:
        return []
    run = params.teachers_of(dataset)
    return [name for name, weight in params.distill_weights().items() if weight > 0 and name in run]


def _given_calibration(workspace: Workspace) -> dict[str, str]:
    given = workspace.params.distill.calibration
    if given is None or workspace.params.distill.weight == 0:
        return {}
    path = workspace.path(given)
    if not path.is_file():
        raise KDError(
            f"distill.calibration is {given}, but there is no {path}. Fit one: kd-pipeline calibrate --out "
            f"{given}, or remove the setting: then one is fitted for the training."
        )
    return {"calibration": sha256_of(path)}


def _warnings(params: Params, readers: Mapping[str, StoreReader]) -> Iterator[str]:
    """Of settings that ask a store for what it does not hold, or a teacher for what it was not run over."""
    distill = params.distill
    idle = [name for name, weight in (distill.teachers or {}).items() if weight > 0 and name not in readers]
    if distill.weight > 0 and idle:
        yield (
            f"distill.teachers gives a weight to {', '.join(idle)}, run over none of train.datasets "
            f"({', '.join(params.train.datasets)}), so that nothing is learned from there. Set the weight to "
            "0, or add a training dataset to cells.datasets or to teachers.<name>.datasets."
        )
    coarse = [name for name, reader in readers.items() if reader.attributes["codec"]["dtype"] == "uint8"]
    if distill.temperature > 1 and distill.targets == "maps" and coarse:
        yield (
            f"distill.temperature is {distill.temperature:g}, which lifts the faint parts of maps, but the "
            f"stores of {', '.join(coarse)} keep those as one level a map: the student would learn the "
            "codec. Set temperature to 1, or extract with extract.preset: exact."
        )


def _meanings(workspace: Workspace, tables: Sequence[CropTable], teachers: Iterable[str]) -> dict[str, str]:
    """Of every convention that the student's, a dataset's or a teacher's joints are named in."""
    names = [
        *workspace_convention_names(workspace),
        *(table.convention for table in tables),
        *(workspace.teacher(teacher).convention for teacher in teachers),
    ]
    return meanings_of(names, workspace.root)


def _identity(split: TrainingSplit) -> dict[str, Any]:
    stores = {name: reader.attributes["provenance_sha256"] for name, reader in split.readers.items()}
    identity = {"labels": split.table.labels_sha256, "stores": stores}
    if split.num_views:
        stored = {name: reader.views for name, reader in split.readers.items()}
        identity["views"] = {"drawn": split.views.model_dump(mode="json"), "stored": stored}
    return identity
