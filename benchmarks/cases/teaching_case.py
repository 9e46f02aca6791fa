"""Students of every kind, and teachers that are exactly right, or off by a known distance.

Legend: B crops, K joints, R relations, P positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import build_union
from pipeline.geometry import CropGeometry, MapGeometry, apply
from pipeline.params import ExtractParams, StudentParams
from pipeline.store.format.map_codec import MapCodec
from pipeline.store.format.rows import HeatmapRows, SimCCRows, StoredMaps
from pipeline.teachers.maps import HeatmapOutput, Maps, SimCCOutput
from student.data.batch import TeacherBatch, TrainingBatch, teacher_batch
from student.network.config import StudentConfig
from student.targets.teacher_spec import TeacherSpec, warp_plane

UNION = build_union([load_convention("coco17")])
JOINTS = UNION.num_joints
INPUT_SIZE = (192, 256)
BODY = 129.0
"""Square root of the area, in input pixels, of a person who fills the crop: 0.53 of the box."""
RTMPOSE_SIGMA = (4.9, 5.66)


def _student(**params) -> StudentConfig:
    return StudentConfig.from_params(StudentParams(**{"input_size": INPUT_SIZE, **params}), UNION)


STUDENTS: dict[str, tuple[StudentConfig, float | None]] = {
    "heatmap 24x32": (_student(input_size=(96, 128), sigma=1.5), None),
    "heatmap 48x64": (_student(), None),
    "simcc": (_student(head="simcc", sigma=6.0), None),
    "rtmcc": (_student(head="rtmcc", backbone="cspnext_t", sigma=1.7), None),
    "rtmcc, RTMPose's labels": (_student(head="rtmcc", backbone="cspnext_t", sigma=RTMPOSE_SIGMA), 10.0),
}
"""Each with its `train.label_beta`."""

TEACHER_MAPS = {
    "msra": MapGeometry("heatmap", (48, 64), (4.0, 4.0)),
    "udp": MapGeometry("heatmap", (48, 64), (191 / 47, 255 / 63)),
    "simcc": MapGeometry("simcc", (384, 512), (0.5, 0.5)),
}
"""Of MMPose's codecs: Gaussians of two cells, and RTMPose's SimCC."""


@dataclass(frozen=True)
class Right:
    """A teacher whose every joint is where it is asked to be, up to a distance along x."""

    kind: str
    student: StudentConfig

    @property
    def geometry(self) -> MapGeometry:
        return TEACHER_MAPS[self.kind]

    @property
    def spec(self) -> TeacherSpec:
        crop = CropGeometry(INPUT_SIZE, 1.25)
        codec = MapCodec.of(ExtractParams(), self.geometry.kind, 10.0 if self.kind == "simcc" else None)
        relations = UNION.relations_of(load_convention("coco17"))
        return TeacherSpec.of(self.kind, relations, UNION.joints, self.geometry, crop, codec, self.student)

    def answer(self, keypoint_BK2: Float[np.ndarray, "b k 2"]) -> TeacherBatch:
        """`keypoint_BK2` are pixels of a crop of INPUT_SIZE, which is the image too."""
        crops = len(keypoint_BK2)
        affine_B23 = np.tile(self.geometry.map_affine(), (crops, 1, 1))
        rows = StoredMaps(
            maps=_rows(self._maps(apply(affine_B23, keypoint_BK2)), self.spec.codec),
            confidence_BK=np.ones(keypoint_BK2.shape[:2], np.float32),
            keypoints_BK2=keypoint_BK2.astype(np.float32),
            affine_B23=affine_B23,
            crop_id_B=np.arange(crops),
        )
        return teacher_batch(
            self.spec,
            torch.arange(crops),
            rows,
            student_affine(self.student, crops),
            warp_plane(self.student),
        )

    def _maps(self, cell_BK2: Float[np.ndarray, "b k 2"]) -> Maps:
        sigma = RTMPOSE_SIGMA if self.kind == "simcc" else (2.0, 2.0)
        x_BKW, y_BKH = (
            torch.from_numpy(_gaussian(cell_BK2[..., axis], self.geometry.size[axis], sigma[axis]))
            for axis in (0, 1)
        )
        if self.kind == "simcc":
            return SimCCOutput(x_BKW, y_BKH)
        return HeatmapOutput(y_BKH[..., :, None] * x_BKW[..., None, :])


def student_affine(student: StudentConfig, crops: int) -> Float[np.ndarray, "b 2 3"]:
    """Pixels of INPUT_SIZE to the student's input pixels, edges on edges."""
    factor = student.crop.input_size[0] / INPUT_SIZE[0]
    shift = (factor - 1) / 2
    return np.tile(np.array([[factor, 0.0, shift], [0.0, factor, shift]]), (crops, 1, 1))


def _gaussian(
    centre_BK: Float[np.ndarray, "b k"], size: int, sigma: float
) -> Float32[np.ndarray, "b k size"]:
    distance = np.arange(size) - centre_BK[..., None]
    return np.exp(-(distance**2) / (2 * sigma**2)).astype(np.float32)


def _rows(maps: Maps, codec: MapCodec) -> HeatmapRows | SimCCRows:
    return stored_rows(codec.encode(maps))


def stored_rows(stored: dict[str, Tensor]) -> HeatmapRows | SimCCRows:
    """Arrays of a codec as rows of a store."""
    array = {name: values.numpy() for name, values in stored.items()}
    if "map" in array:
        return HeatmapRows(array["map"], array["peak"], array["base"])
    names = ("map_x", "map_y", "peak_x", "peak_y", "base_x", "base_y")
    return SimCCRows(*(array[name] for name in names))


def places(crops: int, seed: int = 0) -> Float[np.ndarray, "b k 2"]:
    """Joints anywhere but near the border, at every fraction of a pixel."""
    rng = np.random.default_rng(seed)
    return rng.uniform([32, 32], [160, 224], size=(crops, JOINTS, 2))


def training_batch(
    student: StudentConfig,
    label_BK2: Float[np.ndarray, "b k 2"],
    labelled: float,
    teachers: dict[str, TeacherBatch],
) -> TrainingBatch:
    """A batch of people whose labels are these, in pixels of INPUT_SIZE."""
    crops, size = len(label_BK2), student.crop.input_size
    affine_B23 = student_affine(student, crops)
    keypoint_BU2 = apply(affine_B23, label_BK2).astype(np.float32)
    return TrainingBatch(
        image_BHW3=torch.zeros(crops, size[1], size[0], 3, dtype=torch.uint8),
        keypoint_BU2=torch.from_numpy(keypoint_BU2),
        weight_BU=torch.full((crops, JOINTS), labelled),
        body_B=torch.full((crops,), BODY * float(affine_B23[0, 0, 0])),
        flipped_B=torch.zeros(crops, dtype=torch.bool),
        crop_id_B=torch.arange(crops),
        dataset_B=torch.zeros(crops, dtype=torch.int64),
        teachers=teachers,
    )


def logits_of(positions: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Of a student that says exactly this."""
    return tuple(axis.clamp_min(1e-30).log() for axis in positions)
