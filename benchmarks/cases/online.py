"""Teachers run within the training step, as training without stores would.

Legend: A crops, H and W rows and columns of a teacher's crop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from pipeline.datasets.image_files import read_image
from pipeline.geometry import apply, compose, crop_affine, invert, warp_crop
from pipeline.params import AugmentParams
from pipeline.store.format.map_codec import MapCodec
from pipeline.teachers.maps import HeatmapOutput, Maps
from pipeline.teachers.teacher import Teacher
from student.data.batch import TeacherBatch, TrainingBatch, WantedCrop, spread_out
from student.data.dataset import TrainingSet
from student.data.split import TrainingSplit
from student.network.config import StudentConfig
from student.targets.mode import mode_share
from student.targets.teacher_spec import TeacherSpec, warp_plane

CROP = "crop"
STUDENT_FROM_TEACHER = "student_from_teacher"
"""Under these names a batch carries what a teacher is to look at, in place of its stored maps, and the
affines from its input pixels to the student's."""


class OnlineSet(TrainingSet):
    """Batches with every crop as every teacher would have seen it in extraction, cut out by the worker."""

    def __init__(
        self,
        splits: Sequence[TrainingSplit],
        student: StudentConfig,
        augment: Mapping[int, AugmentParams],
        seed: int,
        teachers: Sequence[Teacher],
    ) -> None:
        """The splits are those of a training without teachers."""
        super().__init__(splits, student, augment, seed)
        self._seen = {teacher.name: (teacher.crop, teacher.map, teacher.convention) for teacher in teachers}
        self._online_plane = warp_plane(student)
        self._pixels = invert(self._online_plane.map_affine())

    def teacher_batches(self, wanted: Sequence[WantedCrop]) -> dict[str, TeacherBatch]:
        """No answers yet: crops."""
        tables = [self.splits[crop.split].table for crop in wanted]
        images = [read_image(table.image_path(crop.row)) for table, crop in zip(tables, wanted, strict=True)]
        box_A4 = np.stack([table.bbox[crop.row] for table, crop in zip(tables, wanted, strict=True)])
        plane_A23 = compose(self._online_plane.map_affine(), np.stack([crop.affine_23 for crop in wanted]))
        return {name: self._crops(name, images, box_A4, plane_A23) for name in self._seen}

    def _crops(
        self, name: str, images: Sequence[np.ndarray], box_A4: np.ndarray, plane_A23: np.ndarray
    ) -> TeacherBatch:
        crop, geometry, convention = self._seen[name]
        affine_A23 = crop_affine(box_A4, crop)
        seen_AHW3 = np.stack(
            [
                warp_crop(image, affine, crop.input_size)
                for image, affine in zip(images, affine_A23, strict=True)
            ]
        )
        map_from_image_A23 = compose(geometry.map_affine(), affine_A23)
        teacher_from_plane_A23 = compose(map_from_image_A23, invert(plane_A23))
        student_from_teacher_A23 = compose(compose(self._pixels, plane_A23), invert(affine_A23))
        joints = len(convention.joints)
        return TeacherBatch(
            row_A=torch.arange(len(images)),
            keypoint_AK2=torch.zeros(len(images), joints, 2),
            confidence_AK=torch.zeros(len(images), joints),
            mode_AK=torch.ones(len(images), joints),
            spread_N2=torch.zeros((0, 2), dtype=torch.int64),
            stored={
                CROP: torch.from_numpy(seen_AHW3),
                STUDENT_FROM_TEACHER: torch.from_numpy(student_from_teacher_A23),
            },
            teacher_from_student_A23=torch.from_numpy(teacher_from_plane_A23.astype(np.float32)),
        )


def answered(
    batch: TrainingBatch, teachers: Mapping[str, Teacher], teacher_specs: Sequence[TeacherSpec]
) -> TrainingBatch:
    """The batch of an OnlineSet as one of stores that keep maps unchanged."""
    by_name = {spec.name: spec for spec in teacher_specs}
    answers = {name: _answer(asked, teachers[name], by_name[name]) for name, asked in batch.teachers.items()}
    return replace(batch, teachers=answers)


def _answer(asked: TeacherBatch, teacher: Teacher, spec: TeacherSpec) -> TeacherBatch:
    output = teacher.predict(asked.stored[CROP])
    keypoint_AK2 = output.keypoints_BK2.astype(np.float64)
    map_A23 = np.tile(teacher.map.map_affine(), (len(keypoint_AK2), 1, 1))
    cell_AK2 = apply(map_A23, keypoint_AK2).astype(np.float32)
    stored = _arrays(output.maps)
    mode_AK = mode_share(stored, spec.codec, torch.from_numpy(cell_AK2), spec.calibration)
    confidence_AK = torch.from_numpy(output.confidence_BK).float()
    spread_N2 = spread_out(spec, mode_AK, confidence_AK).nonzero()
    row_N, joint_N = spread_N2[:, 0], torch.from_numpy(spec.source_R)[spread_N2[:, 1]]
    return replace(
        asked,
        keypoint_AK2=torch.from_numpy(
            apply(asked.stored[STUDENT_FROM_TEACHER].numpy(), keypoint_AK2).astype(np.float32)
        ),
        confidence_AK=confidence_AK,
        mode_AK=mode_AK.clamp(max=1.0),
        spread_N2=spread_N2,
        stored={name: array[row_N, joint_N] for name, array in stored.items()},
    )


def _arrays(maps: Maps) -> dict[str, torch.Tensor]:
    if isinstance(maps, HeatmapOutput):
        return {"map": maps.heatmap_BKHW}
    return {"map_x": maps.x_BKW, "map_y": maps.y_BKW}


def unquantised(spec: TeacherSpec) -> TeacherSpec:
    """The same, for maps that never were in a store."""
    return replace(spec, codec=MapCodec(spec.codec.kind, "float16", None, spec.codec.sharpness))
