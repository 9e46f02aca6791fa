"""A teacher's rows for the crops of a batch, from the stores of one or several splits.

Legend: A crops the teacher answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64

from pipeline.geometry import MapGeometry, compose, invert
from student.batch import TeacherBatch
from student.split import TrainingSplit


@dataclass(frozen=True)
class WantedCrop:
    """A crop of the batch: which split and row of its table, its affine, image pixels -> input pixels, and
    the number of the stored view it shows (0: a view of its own)."""

    split: int
    row: int
    affine_23: Float64[np.ndarray, "2 3"]
    view: int = 0


def read_teacher(
    teacher: str, splits: Sequence[TrainingSplit], crops: Sequence[WantedCrop], plane: MapGeometry
) -> TeacherBatch | None:
    """What the teacher said of those of the crops whose split it was run on; None where that is none.

    `plane` is the student's warp plane. One gather per split: stores are far faster at many rows than at one.
    """
    parts = []
    for number, split in enumerate(splits):
        positions = [position for position, crop in enumerate(crops) if crop.split == number]
        if positions and teacher in split.readers:
            parts.append(_read_split(teacher, split, positions, [crops[p] for p in positions], plane))
    return _joined(parts) if parts else None


def _read_split(
    teacher: str, split: TrainingSplit, positions: list[int], crops: Sequence[WantedCrop], plane: MapGeometry
) -> TeacherBatch:
    row_A = np.array([crop.row for crop in crops], dtype=np.int64)
    view_A = np.array([crop.view for crop in crops], dtype=np.int64)
    stored = split.readers[teacher].read(split.store_rows(teacher, row_A, view_A))
    plane_A23 = compose(plane.map_affine(), np.stack([crop.affine_23 for crop in crops]))
    teacher_from_plane_A23 = compose(stored.affine_B23, invert(plane_A23))
    return TeacherBatch(
        row_A=torch.tensor(positions),
        stored={name: torch.from_numpy(array) for name, array in stored.maps.arrays().items()},
        confidence_AK=torch.from_numpy(stored.confidence_BK),
        teacher_from_student_A23=torch.from_numpy(teacher_from_plane_A23.astype(np.float32)),
    )


def _joined(parts: Sequence[TeacherBatch]) -> TeacherBatch:
    return TeacherBatch(
        row_A=torch.cat([part.row_A for part in parts]),
        stored={name: torch.cat([part.stored[name] for part in parts]) for name in parts[0].stored},
        confidence_AK=torch.cat([part.confidence_AK for part in parts]),
        teacher_from_student_A23=torch.cat([part.teacher_from_student_A23 for part in parts]),
    )
