"""What a teacher can teach a student: which joints, by which weight, and how its stored maps are read."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float32, Int64

from pipeline.conventions.relation import Relation
from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.store.format.map_codec import MapCodec
from student.calibration.teacher_calibration import Calibration, uncalibrated
from student.network.config import HEATMAP_STRIDE, StudentConfig, half_pixel_map

SAME_RESOLUTION = 1.2
"""Up to this ratio of cells, a map is sampled as it is: augmentation changes the ratio more than that."""


@dataclass(frozen=True)
class TeacherSpec:
    """One teacher, as the student of one config is taught by it. All of it is known before training.

    `codec` reads its stored maps. `map_size` is (width, height) of its map, `grid_size` that of the grid
    its maps are laid out on before they are sampled. Joints of a confidence under `min_confidence` teach
    nothing. `offset_R2` moves each joint to where the union has it (`student.calibration.offsets`), by the
    teacher's joints `frame` (left and right shoulder, left and right hip; None: it has not all of them).
    """

    name: str
    codec: MapCodec
    map_size: tuple[int, int]
    grid_size: tuple[int, int]
    source_R: Int64[np.ndarray, " r"]
    union_R: Int64[np.ndarray, " r"]
    weight_R: Float32[np.ndarray, " r"]
    calibration: Calibration
    min_confidence: float = 0.0
    reads_maps: bool = True
    """False: keypoints alone are taught, as labels are (`distill.targets: keypoints`)."""
    offset_R2: Float32[np.ndarray, "r 2"] = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    frame: tuple[int, int, int, int] | None = None

    @classmethod
    def of(
        cls,
        name: str,
        relations: Sequence[Relation],
        joints: Sequence[str],
        geometry: MapGeometry,
        crop: CropGeometry,
        codec: MapCodec,
        student: StudentConfig,
    ) -> "TeacherSpec":
        """Uncalibrated. `joints`, `geometry` and `crop` are the teacher's; relations of weight 0 teach
        nothing and are left out."""
        kept = [relation for relation in relations if relation.weight > 0]
        return cls(
            name=name,
            codec=codec,
            map_size=geometry.size,
            grid_size=grid_size(geometry, crop, warp_plane(student), student.crop),
            source_R=np.array([relation.source for relation in kept], dtype=np.int64),
            union_R=np.array([relation.union for relation in kept], dtype=np.int64),
            weight_R=np.array([relation.weight for relation in kept], dtype=np.float32),
            calibration=uncalibrated(geometry.kind, len(joints)),
            offset_R2=np.zeros((len(kept), 2), np.float32),
            frame=body_frame(joints),
        )

    def calibrated(self, calibration: Calibration) -> "TeacherSpec":
        return replace(self, calibration=calibration)


def body_frame(joints: Sequence[str]) -> tuple[int, int, int, int] | None:
    """Where the joints that an offset is measured by lie in a list of joints."""
    names = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
    if not set(names) <= set(joints):
        return None
    left_shoulder, right_shoulder, left_hip, right_hip = (list(joints).index(name) for name in names)
    return left_shoulder, right_shoulder, left_hip, right_hip


def warp_plane(student: StudentConfig) -> MapGeometry:
    """The 2-D map onto which teachers' maps are warped: the student's own, or, for SimCC, a heatmap's.

    Only what lies beside a map's peak goes over it (`student.targets.warp`), so it need not be finer.
    """
    if student.map.kind == "heatmap":
        return student.map
    return half_pixel_map("heatmap", student.crop.input_size, float(HEATMAP_STRIDE))


def grid_size(
    teacher: MapGeometry, teacher_crop: CropGeometry, plane: MapGeometry, student_crop: CropGeometry
) -> tuple[int, int]:
    """(width, height) of the teacher's map in cells the size of the student's, or in its own if larger.

    Measured along y with equal boxes and no augmentation. Bilinear sampling is true to a map only where its
    cells are not much smaller than the sampling grid's: of 256 cells, a grid of 64 would read every fourth.
    """
    teacher_cell = teacher.scale[1] * teacher_crop.padding / teacher_crop.input_size[1]
    student_cell = plane.scale[1] * student_crop.padding / student_crop.input_size[1]
    ratio = student_cell / teacher_cell
    if ratio < SAME_RESOLUTION:
        return teacher.size
    return round(teacher.size[0] / ratio), round(teacher.size[1] / ratio)
