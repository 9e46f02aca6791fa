"""The calibration of all of a workspace's teachers, fitted or read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float

from pipeline.conventions.convention import Convention
from pipeline.conventions.union import UnionSkeleton
from pipeline.errors import KDError
from pipeline.workspace import Workspace
from student.calibration.fit import LEAST_LABELS, fit_calibration, plain_rows
from student.calibration.offsets import fit_offset, frame_vectors
from student.calibration.teacher_calibration import DEFAULT_RIGHT, CalibrationFile, read_calibration
from student.data.split import TrainingSplit
from student.data.training_data import TrainingData
from student.targets.teacher_spec import TeacherSpec, body_frame


def fitted_on(training_data: TrainingData) -> dict[str, Any]:
    """Hashes of what calibrations are fitted on: by dataset, its labels, domain and teachers' stores."""
    return {
        split.table.dataset: {
            "labels": split.table.labels_sha256,
            "domain": split.domain,
            "stores": {
                name: reader.attributes["provenance_sha256"] for name, reader in split.readers.items()
            },
        }
        for split in training_data.splits
        if split.readers
    }


def fit_all(training_data: TrainingData) -> CalibrationFile:
    """Every teacher's calibration and every convention's offsets, from the training splits."""
    skeleton = training_data.student.skeleton
    return CalibrationFile(
        {
            spec.name: fit_calibration(spec, training_data.splits, skeleton.joints, skeleton.flip_permutation)
            for spec in training_data.teacher_specs
        },
        fit_offsets(training_data),
        fitted_on(training_data),
    )


def calibrated(training_data: TrainingData, file: CalibrationFile, use_offsets: bool) -> TrainingData:
    """The training data with every teacher read as `file` says.

    Raises:
        KDError: a teacher is not in the file.
    """
    missing = [t.name for t in training_data.teacher_specs if t.name not in file.teachers]
    if missing:
        raise KDError(
            f"the calibration has no teacher {', '.join(missing)}, which teaches here. Fit it again: "
            "kd-pipeline calibrate"
        )
    teacher_specs = [
        _with_offsets(spec.calibrated(file.teachers[spec.name]), training_data, file, use_offsets)
        for spec in training_data.teacher_specs
    ]
    label_offsets = {}
    if use_offsets:
        label_offsets = {
            split.table.dataset: _offset_array(
                file.offsets.get(training_data.split_conventions[split.table.dataset].origin, {}),
                training_data.student.skeleton,
            )
            for split in training_data.splits
            if split.table.dataset in training_data.split_conventions
        }
    return replace(training_data, teacher_specs=teacher_specs, label_offsets=label_offsets)


def _with_offsets(
    spec: TeacherSpec, training_data: TrainingData, file: CalibrationFile, use_offsets: bool
) -> TeacherSpec:
    if not use_offsets:
        return spec
    offsets = file.offsets.get(training_data.teacher_conventions[spec.name].origin, {})
    table_U2 = _offset_array(offsets, training_data.student.skeleton)
    return replace(spec, offset_R2=table_U2[spec.union_R])


def _offset_array(
    offsets: Mapping[str, tuple[float, float]], skeleton: UnionSkeleton
) -> Float[np.ndarray, "u 2"]:
    return np.array([offsets.get(joint, (0.0, 0.0)) for joint in skeleton.joints], dtype=np.float32)


@dataclass(frozen=True)
class _Source:
    """Joints of one convention on the crops of one split, from labels or from a teacher; image pixels."""

    convention: Convention
    keypoint_NK2: Float[np.ndarray, "n k 2"]
    usable_NK: Bool[np.ndarray, "n k"]


def fit_offsets(training_data: TrainingData) -> dict[str, dict[str, tuple[float, float]]]:
    """By convention and union joint, for joints that are only `similar`: how far from its own joint the
    union's lies (`student.calibration.offsets`), where people are known in both conventions."""
    skeleton = training_data.student.skeleton
    found: dict[str, dict[str, tuple[float, float]]] = {}
    people = [list(_sources(split, training_data)) for split in training_data.splits]
    conventions = {source.convention.origin: source.convention for sources in people for source in sources}
    for name, convention in conventions.items():
        for union, joint in enumerate(skeleton.joints):
            kinds = {r.kind for r in skeleton.relations_of(convention) if r.union == union}
            if kinds == {"similar"}:
                offset = _offset(people, name, union, skeleton)
                if offset is not None:
                    found.setdefault(name, {})[joint] = offset
    return {name: _mirrored_alike(offsets, skeleton) for name, offsets in found.items()}


def _mirrored_alike(
    offsets: Mapping[str, tuple[float, float]], skeleton: UnionSkeleton
) -> dict[str, tuple[float, float]]:
    """A left joint's offset and its right one's as mirror images: the mean of both along the torso, and of
    one and the other turned around along the shoulders."""
    mirror = {
        joint: skeleton.joints[p] for joint, p in zip(skeleton.joints, skeleton.flip_permutation, strict=True)
    }
    alike = {}
    for joint, (along, across) in offsets.items():
        other_along, other_across = offsets.get(mirror[joint], (along, -across))
        alike[joint] = ((along + other_along) / 2, (across - other_across) / 2)
    return alike


def _sources(split: TrainingSplit, training_data: TrainingData) -> Iterator[_Source]:
    table, rows = split.table, split.row_N
    if table.dataset in training_data.split_conventions:
        yield _Source(
            training_data.split_conventions[table.dataset], table.keypoints[rows], table.visibility[rows] > 0
        )
    for spec in training_data.teacher_specs:
        if spec.name in split.readers:
            reader, stored = split.readers[spec.name], plain_rows(split, spec.name)
            confidence_NK = reader.column("confidence")[stored]
            sure_NK = confidence_NK >= np.percentile(confidence_NK, 50, axis=0)
            yield _Source(
                training_data.teacher_conventions[spec.name], reader.column("keypoints")[stored], sure_NK
            )


def _offset(
    people: Sequence[Sequence[_Source]], name: str, union: int, skeleton: UnionSkeleton
) -> tuple[float, float] | None:
    parts = []
    for sources in people:
        for ours in sources:
            frame = body_frame(ours.convention.joints)
            own = _joint(ours, union, skeleton, "similar")
            if ours.convention.origin != name or frame is None or own is None:
                continue
            keypoint_NK2 = torch.from_numpy(ours.keypoint_NK2.astype(np.float32))
            torso_N2, shoulders_N2 = (vector.numpy() for vector in frame_vectors(keypoint_NK2, frame))
            framed_N = ours.usable_NK[:, list(frame)].all(1)
            for theirs in sources:
                other = _joint(theirs, union, skeleton, "same")
                if other is not None:
                    difference_N2 = theirs.keypoint_NK2[:, other] - ours.keypoint_NK2[:, own]
                    usable_N = framed_N & ours.usable_NK[:, own] & theirs.usable_NK[:, other]
                    parts.append((difference_N2, torso_N2, shoulders_N2, usable_N))
    if not parts:
        return None
    return fit_offset(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _joint(source: _Source, union: int, skeleton: UnionSkeleton, kind: str) -> int | None:
    """The source's joint that stands so to the union joint."""
    relations = skeleton.relations_of(source.convention)
    return next((r.source for r in relations if r.union == union and r.kind == kind), None)


def calibrate_training_data(workspace: Workspace, training_data: TrainingData, saved: Path) -> TrainingData:
    """The training data with its teachers calibrated: by `distill.calibration`, or by the file `saved` where
    that was fitted on these labels and stores, or by a fit that is written there.

    Raises:
        KDError: `distill.calibration` cannot be read, was fitted on others, or lacks a teacher.
    """
    if not training_data.teacher_specs:
        CalibrationFile({}, {}, {}).write(saved)
        return training_data
    params = workspace.params.distill
    if params.calibration is not None:
        path = workspace.path(params.calibration)
        file = read_calibration(path)
        file.check(fitted_on(training_data), path)
    else:
        file = _fitted_before(training_data, saved) or fit_all(training_data)
    file.write(saved)
    return replace(
        calibrated(training_data, file, params.offsets), warnings=(*training_data.warnings, *_warnings(file))
    )


def _fitted_before(training_data: TrainingData, saved: Path) -> CalibrationFile | None:
    try:
        file = read_calibration(saved)
    except KDError:
        return None
    return file if file.fitted_on == fitted_on(training_data) else None


def _warnings(file: CalibrationFile) -> Iterator[str]:
    for name, calibration in file.teachers.items():
        if calibration.labels < LEAST_LABELS:
            yield (
                f"{name} has answered too few labelled joints to be calibrated ({LEAST_LABELS} are needed), "
                f"so its answers are taken to be right {DEFAULT_RIGHT:.0%} of the time. Extract it "
                "over a labelled split of train.datasets, or set its weight in distill.teachers by hand."
            )
