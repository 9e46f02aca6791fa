"""What a teacher can teach a student: which joints, by which weight, on which map.

Legend: R relations (teacher joint -> union joint).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

from pipeline.conventions.relation import Relation
from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.store.map_codec import MapCodec
from student.student_config import StudentConfig, half_pixel_map

SIMCC_PLANE_STRIDE = 2.0
"""Input pixels to a cell of the plane on which SimCC students' targets are warped before their marginals are
taken: finer than a heatmap, because a SimCC vector is; 1 would cost four times as much."""
SAME_RESOLUTION = 1.2
"""Up to this ratio of cells, a map is sampled as it is: augmentation changes the ratio more than that."""


@dataclass(frozen=True)
class Teaching:
    """One teacher, as the student of one config is taught by it. All of it is known before training.

    `codec` reads its stored maps. `map_size` is (width, height) of its map, `grid_size` that of the grid its
    maps are laid out on before they are sampled.
    """

    name: str
    codec: MapCodec
    map_size: tuple[int, int]
    grid_size: tuple[int, int]
    source_R: Int64[np.ndarray, " r"]
    union_R: Int64[np.ndarray, " r"]
    weight_R: Float32[np.ndarray, " r"]

    @classmethod
    def of(
        cls,
        name: str,
        relations: Sequence[Relation],
        geometry: MapGeometry,
        crop: CropGeometry,
        codec: MapCodec,
        student: StudentConfig,
    ) -> "Teaching":
        """`geometry` and `crop` are the teacher's; relations of weight 0 teach nothing and are left out."""
        kept = [relation for relation in relations if relation.weight > 0]
        return cls(
            name=name,
            codec=codec,
            map_size=geometry.size,
            grid_size=grid_size(geometry, crop, warp_plane(student), student.crop),
            source_R=np.array([relation.source for relation in kept], dtype=np.int64),
            union_R=np.array([relation.union for relation in kept], dtype=np.int64),
            weight_R=np.array([relation.weight for relation in kept], dtype=np.float32),
        )


def warp_plane(student: StudentConfig) -> MapGeometry:
    """The 2-D map onto which teachers' maps are warped: the student's own, or what SimCC marginals are of."""
    if student.map.kind == "heatmap":
        return student.map
    return half_pixel_map("heatmap", student.crop.input_size, SIMCC_PLANE_STRIDE)


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
