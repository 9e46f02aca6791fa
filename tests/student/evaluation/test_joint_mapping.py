import numpy as np
import pytest

from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import build_union
from pipeline.errors import KDError
from student.evaluation.joint_mapping import JointMapping, student_joint_mapping, teacher_joint_mapping

CROP = np.array([7], np.int64)


@pytest.fixture
def coco():
    return load_convention("coco17")


@pytest.fixture
def mpii():
    return load_convention("mpii16")


def test_a_student_over_the_papers_union_predicts_all_of_coco_and_mpii(coco, mpii):
    union = build_union([coco, mpii])
    for convention in (coco, mpii):
        assert student_joint_mapping(union, convention).not_predicted == ()
    assert student_joint_mapping(union, coco).sources == tuple(range(17))


def test_each_joint_of_a_convention_reads_the_union_joint_of_its_name(coco, mpii):
    union = build_union([coco, mpii])
    mapping = student_joint_mapping(union, mpii)
    assert [union.joints[source] for source in mapping.sources] == list(mpii.joints)


def test_a_coco_teacher_does_not_predict_what_coco_has_no_joint_for(coco, mpii):
    mapping = teacher_joint_mapping(coco, mpii)
    assert set(mapping.not_predicted) == {"pelvis", "thorax", "upper_neck", "head_top"}
    knee = mpii.index("left_knee")
    assert mapping.sources[knee] == coco.index("left_knee")


def test_joints_annotated_differently_are_named_as_similar(coco, mpii):
    mapping = teacher_joint_mapping(coco, mpii)
    assert {"left_hip", "right_hip"} <= set(mapping.similar)
    assert "left_knee" not in mapping.similar


def test_a_teacher_in_its_own_order_is_matched_by_name(coco):
    backwards = coco.reordered(coco.joints[::-1], "coco17@backwards")
    assert teacher_joint_mapping(backwards, coco).sources == tuple(range(16, -1, -1))


def test_reading_out_moves_joints_and_leaves_the_missing_ones_empty():
    mapping = JointMapping(("a", "b", "c"), (1, None, 0), ("same", None, "similar"))
    keypoints = np.array([[[1, 2], [3, 4]]], np.float32)
    result = mapping.apply(CROP, keypoints, np.array([[0.5, 0.7]], np.float32))
    np.testing.assert_array_equal(result.keypoints, [[[3, 4], [np.nan, np.nan], [1, 2]]])
    np.testing.assert_array_equal(result.scores, np.array([[0.7, 0.0, 0.5]], np.float32))
    assert result.predicted.tolist() == [True, False, True]


def test_a_broken_joint_that_nobody_reads_does_no_harm():
    mapping = JointMapping(("a",), (0,), ("same",))
    keypoints = np.array([[[1, 2], [np.nan, 4]]], np.float32)
    assert mapping.apply(CROP, keypoints, np.ones((1, 2), np.float32)).predicted.all()
    with pytest.raises(KDError, match="NaN or infinite"):
        mapping.apply(CROP, keypoints[:, ::-1], np.ones((1, 2), np.float32))
