"""One training batch, as a loader worker puts it together and the device takes it; what teachers say of it is
read from their stores.

Legend: B crops, U union joints, A the crops of the batch that a teacher answered, K the teacher's joints, N
maps that are spread out, H and W rows and columns of the crop.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int64, UInt8
from torch import Tensor

from pipeline.errors import KDError
from pipeline.geometry import MapGeometry, apply, compose, invert
from pipeline.store.format.rows import StoredMaps
from student.data.split import TrainingSplit
from student.targets.mode import mode_share
from student.targets.teacher_spec import TeacherSpec

Tensors = TypeVar("Tensors")


@dataclass(frozen=True)
class TeacherBatch:
    """What the store holds of one teacher for the batch, still quantised.

    `row_A` are the positions in the batch of the crops it answered, `keypoint_AK2` its own joints in the
    crops' input pixels, and `mode_AK` the share of each map that is one peak there. Of the maps only those
    that are not one peak are here: `spread_N2` says which, by crop (of A) and relation, and `stored` has them
    and their levels by the names the store gives them, a row to each. The affine takes cells of the student's
    warp plane to cells (or bins) of the teacher's map, augmentation and mirroring included.
    """

    row_A: Int64[Tensor, " a"]
    keypoint_AK2: Float32[Tensor, "a k 2"]
    confidence_AK: Float32[Tensor, "a k"]
    mode_AK: Float32[Tensor, "a k"]
    spread_N2: Int64[Tensor, "n 2"]
    stored: Mapping[str, Tensor]
    teacher_from_student_A23: Float32[Tensor, "a 2 3"]


@dataclass(frozen=True)
class TrainingBatch:
    """Augmented crops (BGR) with what teaches them.

    Keypoints are input pixels of the crop; their weight is 0 where nothing is known. `body_B` is the
    person's size there, the square root of their area, which joints' sigmas are relative to. `flipped_B`
    says which crops are mirrored: keypoints are already swapped, teachers' joints are not. `dropped_B4` are
    the patches (`student.data.dropped_patch`) under which teachers know nothing; None where distillation
    is not masked.
    """

    image_BHW3: UInt8[Tensor, "b h w 3"]
    keypoint_BU2: Float32[Tensor, "b u 2"]
    weight_BU: Float32[Tensor, "b u"]
    body_B: Float32[Tensor, " b"]
    flipped_B: Bool[Tensor, " b"]
    crop_id_B: Int64[Tensor, " b"]
    dataset_B: Int64[Tensor, " b"]
    teachers: Mapping[str, TeacherBatch]
    dropped_B4: Float32[Tensor, "b 4"] | None = None

    def __len__(self) -> int:
        return len(self.crop_id_B)

    def to(self, device: torch.device) -> "TrainingBatch":
        return _mapped(self, lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> "TrainingBatch":
        """Called by the DataLoader for a CUDA device."""
        return _mapped(self, Tensor.pin_memory)


def _mapped(value: Tensors, function: Callable[[Tensor], Tensor]) -> Tensors:
    """`value` with `function` applied to every tensor in it."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, Mapping):
        return {key: _mapped(item, function) for key, item in value.items()}
    if is_dataclass(value):
        changed: dict[str, Any] = {f.name: _mapped(getattr(value, f.name), function) for f in fields(value)}
        return replace(value, **changed)
    return value


_NAMED_CROPS = 16
ONE_PEAK = 0.98
"""From this share on a map is taken to be one peak: the rest of it would be negligible."""


@dataclass(frozen=True)
class WantedCrop:
    """A crop of the batch: which split and row of its table, its affine, image pixels -> input pixels, and
    the number of the stored view it shows (0: a view of its own)."""

    split: int
    row: int
    affine_23: Float64[np.ndarray, "2 3"]
    view: int = 0


def read_teacher(
    spec: TeacherSpec, splits: Sequence[TrainingSplit], crops: Sequence[WantedCrop], plane: MapGeometry
) -> TeacherBatch | None:
    """What the teacher's stores hold for those of the crops whose split it was run on; None where that is
    none.

    `plane` is the student's warp plane. One gather per split: stores are far faster at many rows than at one.
    """
    parts = []
    for number, split in enumerate(splits):
        positions = [position for position, crop in enumerate(crops) if crop.split == number]
        if positions and spec.name in split.readers:
            parts.append(_read_split(spec, split, positions, [crops[p] for p in positions], plane))
    return _joined(parts) if parts else None


def _read_split(
    spec: TeacherSpec,
    split: TrainingSplit,
    positions: list[int],
    crops: Sequence[WantedCrop],
    plane: MapGeometry,
) -> TeacherBatch:
    row_A = np.array([crop.row for crop in crops], dtype=np.int64)
    view_A = np.array([crop.view for crop in crops], dtype=np.int64)
    reader, store_row_A = split.readers[spec.name], split.store_rows(spec.name, row_A, view_A)
    affine_A23 = np.stack([crop.affine_23 for crop in crops])
    if not spec.reads_maps:
        keypoint_AK2, confidence_AK = (
            reader.column(name)[store_row_A] for name in ("keypoints", "confidence")
        )
        return keypoints_only(positions, apply(affine_A23, keypoint_AK2), confidence_AK)
    return teacher_batch(spec, torch.tensor(positions), reader.read(store_row_A), affine_A23, plane)


def keypoints_only(
    positions: Sequence[int],
    keypoint_AK2: Float64[np.ndarray, "a k 2"],
    confidence_AK: Float32[np.ndarray, "a k"],
) -> TeacherBatch:
    """Keypoints (input pixels) as they would be if every map were one peak."""
    return TeacherBatch(
        row_A=torch.tensor(positions),
        keypoint_AK2=torch.from_numpy(keypoint_AK2.astype(np.float32)),
        confidence_AK=torch.from_numpy(confidence_AK),
        mode_AK=torch.ones(confidence_AK.shape),
        spread_N2=torch.zeros((0, 2), dtype=torch.int64),
        stored={},
        teacher_from_student_A23=torch.eye(2, 3).expand(len(positions), 2, 3),
    )


def teacher_batch(
    spec: TeacherSpec,
    row_A: Int64[Tensor, " a"],
    rows: StoredMaps,
    affine_A23: Float64[np.ndarray, "a 2 3"],
    plane: MapGeometry,
) -> TeacherBatch:
    """Rows of a store for crops cut out by `affine_A23` (image pixels -> input pixels).

    Raises:
        KDError: a map is no number.
    """
    check_finite(rows, spec.name)
    stored = {name: torch.from_numpy(array) for name, array in rows.maps.arrays().items()}
    cell_AK2 = torch.from_numpy(apply(rows.affine_B23, rows.keypoints_BK2).astype(np.float32))
    mode_AK = mode_share(stored, spec.codec, cell_AK2, spec.calibration)
    spread_AR = spread_out(spec, mode_AK, torch.from_numpy(rows.confidence_BK))
    spread_N2 = spread_AR.nonzero()
    row_N, joint_N = spread_N2[:, 0], torch.from_numpy(spec.source_R)[spread_N2[:, 1]]
    plane_A23 = compose(plane.map_affine(), affine_A23)
    teacher_from_plane_A23 = compose(rows.affine_B23, invert(plane_A23))
    return TeacherBatch(
        row_A=row_A,
        keypoint_AK2=torch.from_numpy(apply(affine_A23, rows.keypoints_BK2).astype(np.float32)),
        confidence_AK=torch.from_numpy(rows.confidence_BK),
        mode_AK=mode_AK.clamp(max=1.0),
        spread_N2=spread_N2,
        stored={name: array[row_N, joint_N] for name, array in stored.items()},
        teacher_from_student_A23=torch.from_numpy(teacher_from_plane_A23.astype(np.float32)),
    )


def check_finite(rows: StoredMaps, teacher: str) -> None:
    """Raises KDError where a map, or what it is dequantised by, is no number."""
    floats = [array for array in rows.maps.arrays().values() if array.dtype.kind == "f"]
    broken_A = ~np.all([np.isfinite(array).reshape(len(array), -1).all(1) for array in floats], axis=0)
    if broken_A.any():
        listed = ", ".join(map(str, rows.crop_id_B[broken_A][:_NAMED_CROPS].tolist()))
        raise KDError(
            f"the stored maps of teacher {teacher} hold values that are no numbers, for the crops {listed}. "
            "Look for damage with kd-pipeline store verify; then remove the cell's folder and extract it "
            f"again: kd-pipeline extract-teachers --teacher {teacher}"
        )


def spread_out(
    spec: TeacherSpec, mode_AK: Float32[Tensor, "a k"], confidence_AK: Float32[Tensor, "a k"]
) -> Bool[Tensor, "a r"]:
    """Which relations' maps say more than their keypoint, of those that teach at all."""
    diffuse_AK = (mode_AK < ONE_PEAK) & (confidence_AK >= spec.min_confidence)
    return diffuse_AK[:, torch.from_numpy(spec.source_R)]


def _joined(parts: Sequence[TeacherBatch]) -> TeacherBatch:
    if len(parts) == 1:
        return parts[0]
    starts = np.cumsum([0, *(len(part.row_A) for part in parts[:-1])]).tolist()
    moved = [part.spread_N2 + torch.tensor([start, 0]) for part, start in zip(parts, starts, strict=True)]
    return TeacherBatch(
        row_A=torch.cat([part.row_A for part in parts]),
        keypoint_AK2=torch.cat([part.keypoint_AK2 for part in parts]),
        confidence_AK=torch.cat([part.confidence_AK for part in parts]),
        mode_AK=torch.cat([part.mode_AK for part in parts]),
        spread_N2=torch.cat(moved),
        stored={name: torch.cat([part.stored[name] for part in parts]) for name in parts[0].stored},
        teacher_from_student_A23=torch.cat([part.teacher_from_student_A23 for part in parts]),
    )
