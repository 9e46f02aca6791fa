"""On which grid a teacher's map is laid before it is sampled."""

import pytest

from pipeline.conventions.registry import load_convention
from pipeline.conventions.relation import Relation
from pipeline.conventions.union import build_union
from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.params import ExtractParams, StudentParams
from pipeline.store.format.map_codec import MapCodec
from student.network.config import StudentConfig
from student.targets.teacher_spec import TeacherSpec, grid_size, warp_plane

STUDENT = CropGeometry((192, 256), 1.25)
PLANE = MapGeometry("heatmap", (48, 64), (4.0, 4.0), (1.5, 1.5))


@pytest.mark.parametrize(
    ("geometry", "crop", "wanted"),
    [
        (MapGeometry("heatmap", (48, 64), (4.0, 4.0)), STUDENT, (48, 64)),
        (MapGeometry("heatmap", (24, 32), (8.0, 8.0)), STUDENT, (24, 32)),
        (MapGeometry("simcc", (384, 512), (0.5, 0.5)), STUDENT, (48, 64)),
        (MapGeometry("heatmap", (256, 256), (1.0, 1.0)), CropGeometry((256, 256), 1.25), (64, 64)),
        # Without padding the same box has 256 cells where a padded one has 205, the student 51.
        (MapGeometry("heatmap", (256, 256), (1.0, 1.0)), CropGeometry((256, 256), 1.0), (51, 51)),
    ],
    ids=["equal", "coarser", "simcc", "finer", "finer, another padding"],
)
def test_a_finer_map_is_laid_on_cells_as_large_as_the_students(geometry, crop, wanted):
    assert grid_size(geometry, crop, PLANE, STUDENT) == wanted


@pytest.mark.parametrize("head", ["heatmap", "simcc"])
def test_the_warp_plane_covers_the_students_crop(head):
    union = build_union([load_convention("coco17")])
    plane = warp_plane(StudentConfig.from_params(StudentParams(head=head), union))
    edges = [(-0.5 * plane.scale[axis] + plane.offset[axis]) for axis in (0, 1)]
    ends = [((plane.size[axis] - 0.5) * plane.scale[axis] + plane.offset[axis]) for axis in (0, 1)]
    assert edges == [-0.5, -0.5] and ends == [191.5, 255.5]
    assert plane.mirror(192) == plane.size[0] - 1


def test_relations_of_weight_zero_teach_nothing():
    union = build_union([load_convention("coco17")])
    student = StudentConfig.from_params(StudentParams(), union)
    relations = [Relation(0, 3, "same", 1.0), Relation(1, 4, "similar", 0.0)]
    codec = MapCodec.of(ExtractParams(), "heatmap", None)
    spec = TeacherSpec.of("t", relations, load_convention("coco17").joints, PLANE, STUDENT, codec, student)
    assert spec.union_R.tolist() == [3]
    assert spec.frame == (5, 6, 11, 12)


@pytest.mark.parametrize("head", ["simcc", "rtmcc"])
def test_what_lies_beside_a_peak_is_as_fine_for_a_simcc_student_as_for_a_heatmap_student(head):
    union = build_union([load_convention("coco17")])
    simcc, heatmap = (
        warp_plane(StudentConfig.from_params(StudentParams(head=kind), union)) for kind in (head, "heatmap")
    )
    assert simcc == heatmap and heatmap.size == (48, 64)
