"""The labelled joints agree with the painted body."""

import numpy as np
import pytest

from demo.datasets.domain import DOMAINS
from demo.rendering.body import BodyShape, posed_body
from demo.rendering.camera import Camera
from demo.rendering.canvas import Canvas
from demo.rendering.figure import solids_of
from demo.rendering.outfit import sample_outfit
from demo.rendering.pose import POSE_FAMILIES, sample_pose
from demo.rendering.segments import Ellipsoid, Limb

SIZE = (160, 200)
LIGHT = np.array([0.0, 0.0, 1.0])


def _body_and_solids(seed: int):
    rng = np.random.default_rng(seed)
    family = list(POSE_FAMILIES)[seed % len(POSE_FAMILIES)]
    body = posed_body(BodyShape(), sample_pose(family, rng))
    camera = Camera(rng.uniform(-180, 180), 10.0, 0.0, 80.0, (80.0, 100.0), 5.0, 0.0)
    return body, camera, solids_of(body, sample_outfit(DOMAINS["synth_coco"].wardrobe, rng), camera.turn())


def _owned(camera: Camera, solids: list[Limb | Ellipsoid]) -> np.ndarray:
    canvas = Canvas(np.zeros((SIZE[1], SIZE[0], 3), np.float32))
    for solid in solids:
        solid.paint(canvas, camera, LIGHT, 0)
    return canvas.owner == 0


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("joint", ["left_elbow", "right_elbow", "left_knee", "right_knee"])
def test_a_joint_lies_where_its_two_segments_meet_in_the_picture(seed: int, joint: str):
    body, camera, solids = _body_and_solids(seed)
    at = camera.turn() @ body.points[joint]
    limbs = [s for s in solids if isinstance(s, Limb)]
    meeting = [s for s in limbs if np.allclose(s.start, at) or np.allclose(s.end, at)]
    assert len(meeting) == 2
    x, y = np.rint(camera.project(at[None])[0]).astype(int)
    for limb in meeting:
        assert _owned(camera, [limb])[y, x]


@pytest.mark.parametrize("seed", range(8))
def test_eyes_nose_and_ears_lie_on_the_painted_head(seed: int):
    body, camera, solids = _body_and_solids(seed)
    head = _owned(camera, [s for s in solids if isinstance(s, Ellipsoid)])
    for joint in ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "head_top"):
        at = camera.turn() @ body.points[joint]
        x, y = np.rint(camera.project(at[None])[0]).astype(int)
        assert head[max(0, y - 1) : y + 2, x - 1 : x + 2].any(), joint


def test_the_face_has_a_dark_pupil_at_each_eye_and_none_at_the_back():
    body = posed_body(BodyShape(), dict.fromkeys(sample_pose("standing", np.random.default_rng(0)), 0.0))
    for yaw, seen in ((0.0, True), (180.0, False)):
        camera = Camera(yaw, 0.0, 0.0, 400.0, (80.0, 340.0), 1e6, 0.0)
        outfit = sample_outfit(DOMAINS["synth_coco"].wardrobe, np.random.default_rng(1))
        canvas = Canvas(np.full((SIZE[1], SIZE[0], 3), 0.5, np.float32))
        for solid in solids_of(body, outfit, camera.turn()):
            solid.paint(canvas, camera, LIGHT, 0)
        for eye in ("left_eye", "right_eye"):
            x, y = np.rint(camera.project((camera.turn() @ body.points[eye])[None])[0]).astype(int)
            white = canvas.colour_HW3[y - 6 : y + 7, x - 8 : x + 9].min(-1).max() > 0.9
            dark = canvas.colour_HW3[y, x].max() < 0.15
            assert (white and dark) == seen
