import numpy as np
import pytest

from demo.datasets.domain import DOMAINS
from demo.datasets.labels import UNION, Labels, joints_of, label
from demo.rendering.body import BodyShape, posed_body
from demo.rendering.camera import Camera
from demo.rendering.canvas import Canvas
from demo.rendering.fabric import Fabric
from demo.rendering.figure import solids_of
from demo.rendering.outfit import sample_outfit
from demo.rendering.pose import LIMITS
from demo.rendering.thing import paint_box
from pipeline.conventions.registry import load_convention

HIDDEN, VISIBLE = 1, 2


def _labels(convention: str, yaw: float = 0.0, left: float = 80.0, boxed: bool = False) -> dict[str, tuple]:
    """Labels of one who stands with hanging arms; `boxed`: with a board before knees and feet."""
    camera = Camera(yaw, 0.0, 0.0, 100.0, (left, 110.0), 8.0, 0.0)
    turn, body = camera.turn(), posed_body(BodyShape(), dict.fromkeys(LIMITS, 0.0))
    canvas = Canvas(np.zeros((220, 160, 3), np.float32))
    outfit = sample_outfit(DOMAINS["synth_coco"].wardrobe, np.random.default_rng(0))
    for solid in solids_of(body, outfit, turn):
        solid.paint(canvas, camera, np.array([0.0, 0.0, 1.0]), 0)
    if boxed:
        paint_box(canvas, (left, 180.0), (40.0, 39.0), 0.0, 1.0, Fabric((0.5, 0.5, 0.5)))
    points = {name: turn @ point for name, point in body.points.items()}
    return _by_name(convention, label(convention, points, camera, canvas))


def _by_name(convention: str, labels: Labels) -> dict[str, tuple]:
    rows = zip(joints_of(convention), labels.keypoints, labels.visibility, strict=True)
    return {joint: (float(x), float(y), int(v)) for joint, (x, y), v in rows}


@pytest.mark.parametrize("convention", ["coco17", "mpii16", "aic14"])
def test_joints_come_in_the_conventions_order(convention: str):
    assert joints_of(convention) == load_convention(convention).joints


def test_the_union_has_cocos_seventeen_joints_and_mpiis_four():
    assert joints_of(UNION) == (*joints_of("coco17"), "pelvis", "thorax", "upper_neck", "head_top")


@pytest.mark.parametrize("convention", ["coco17", "mpii16", "aic14", UNION])
def test_everything_is_seen_of_one_who_faces_the_camera(convention: str):
    assert {v for _, _, v in _labels(convention).values()} == {VISIBLE}


def test_from_behind_the_face_is_hidden_and_the_limbs_are_not():
    seen = {joint: v for joint, (_, _, v) in _labels("coco17", yaw=180.0).items()}
    assert seen["nose"] == seen["left_eye"] == seen["right_eye"] == HIDDEN
    assert seen["left_knee"] == seen["right_elbow"] == seen["left_hip"] == VISIBLE


def test_from_the_side_the_far_arm_is_hidden():
    seen = {joint: v for joint, (_, _, v) in _labels("coco17", yaw=90.0).items()}
    # Turned to the picture's right, the person shows the right side.
    assert seen["right_shoulder"] == seen["right_elbow"] == seen["right_ear"] == VISIBLE
    assert seen["left_shoulder"] == seen["left_elbow"] == seen["left_ear"] == HIDDEN


def test_what_a_thing_covers_is_hidden_and_keeps_its_place():
    open_view, boxed = _labels("coco17"), _labels("coco17", boxed=True)
    for joint in ("left_knee", "right_knee", "left_ankle", "right_ankle"):
        assert boxed[joint] == (*open_view[joint][:2], HIDDEN)
    assert boxed["left_wrist"] == open_view["left_wrist"] or boxed["left_wrist"][2] == HIDDEN
    assert boxed["nose"] == open_view["nose"]


def test_what_lies_outside_the_picture_is_not_labelled():
    seen = {joint: v for joint, (_, _, v) in _labels("coco17", left=0.0).items()}
    assert seen["right_shoulder"] == seen["right_knee"] == 0
    assert seen["left_shoulder"] == seen["left_knee"] == VISIBLE


def test_cocos_hips_lie_wider_and_higher_than_mpiis_and_aics():
    coco, mpii, aic = (_labels(convention) for convention in ("coco17", "mpii16", "aic14"))
    assert coco["left_hip"][0] - mpii["left_hip"][0] == pytest.approx(3, abs=0.1)
    assert coco["right_hip"][1] - mpii["right_hip"][1] == pytest.approx(-3, abs=0.1)
    assert aic["left_hip"] == mpii["left_hip"]
    assert coco["left_knee"] == mpii["left_knee"] == aic["left_knee"]


def test_aics_neck_lies_between_thorax_and_upper_neck():
    neck, mpii = _labels("aic14")["neck"], _labels("mpii16")
    assert mpii["upper_neck"][1] < neck[1] < mpii["thorax"][1]
