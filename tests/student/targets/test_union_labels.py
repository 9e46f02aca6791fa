"""Labels of a dataset as labels of the union."""

import numpy as np

from pipeline.conventions.registry import load_convention
from pipeline.conventions.relation import Relation
from pipeline.conventions.union import build_union
from student.targets.union_labels import UnionLabels, inside_crop


def test_the_closest_relation_labels_a_union_joint():
    relations = [
        Relation(0, 1, "similar", 0.5),
        Relation(1, 1, "same", 1.0),
        Relation(2, 0, "similar", 0.5),
    ]
    keypoints = np.array([[1, 1], [2, 2], [3, 3]], dtype=np.float32)
    keypoint_U2, weight_U = UnionLabels(relations, 3)(keypoints, np.array([2, 2, 1], dtype=np.uint8))
    assert weight_U.tolist() == [0.5, 1.0, 0.0]
    assert keypoint_U2[:2].tolist() == [[3, 3], [2, 2]]


def test_joints_that_are_absent_or_not_labelled_weigh_nothing():
    union = build_union([load_convention("coco17"), load_convention("mpii16")])
    coco = load_convention("coco17")
    visibility = np.full(17, 2, dtype=np.uint8)
    visibility[0] = 0
    _, weight_U = UnionLabels(union.relations_of(coco), 21)(np.ones((17, 2), np.float32), visibility)
    unlabelled = [joint for joint, weight in zip(union.joints, weight_U, strict=True) if weight == 0]
    assert unlabelled == ["nose", "pelvis", "thorax", "upper_neck", "head_top"]


def test_occluded_joints_count_like_visible_ones():
    labels = UnionLabels([Relation(0, 0, "same", 1.0)], 1)
    weights = [labels(np.zeros((1, 2), np.float32), np.array([v], np.uint8))[1][0] for v in (0, 1, 2)]
    assert weights == [0.0, 1.0, 1.0]


def test_a_keypoint_is_inside_up_to_the_pixels_edge():
    points = np.array([[-0.5, 0], [-0.51, 0], [95.4, 127.4], [95.5, 0], [0, 127.5]], dtype=np.float32)
    assert inside_crop(points, (96, 128)).tolist() == [True, False, True, False, False]
