import numpy as np
import pytest

from demo.rendering.body import BodyShape, posed_body, rotation, sample_shape
from demo.rendering.pose import LIMITS, sample_pose

REST = dict.fromkeys(LIMITS, 0.0)
BONES = {
    ("hip", "knee"): "thigh",
    ("knee", "ankle"): "shank",
    ("shoulder", "elbow"): "upper_arm",
    ("elbow", "wrist"): "forearm",
}


def test_at_rest_the_limbs_hang_straight_down():
    shape = BodyShape()
    points = posed_body(shape, REST).points
    np.testing.assert_allclose(points["thorax"], (0, shape.torso, 0))
    np.testing.assert_allclose(points["left_hip"], (shape.hip_half_width, -0.02, 0))
    np.testing.assert_allclose(
        points["left_ankle"], (shape.hip_half_width, -0.02 - shape.thigh - shape.shank, 0)
    )
    shoulder = points["right_shoulder"]
    np.testing.assert_allclose(points["right_wrist"], shoulder - (0, shape.upper_arm + shape.forearm, 0))


def test_left_is_the_persons_own_left_and_the_nose_is_in_front():
    points = posed_body(BodyShape(), REST).points
    for joint in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
        assert points[f"left_{joint}"][0] > 0 > points[f"right_{joint}"][0]
    assert points["nose"][2] > points["left_eye"][2] > points["left_ear"][2]


def test_a_bent_elbow_points_the_forearm_forward_and_a_bent_knee_the_shank_back():
    shape = BodyShape()
    points = posed_body(shape, REST | {"left_elbow_flexion": 90.0, "right_knee_flexion": 90.0}).points
    np.testing.assert_allclose(points["left_wrist"] - points["left_elbow"], (0, 0, shape.forearm), atol=1e-12)
    np.testing.assert_allclose(points["right_ankle"] - points["right_knee"], (0, 0, -shape.shank), atol=1e-12)


@pytest.mark.parametrize(("side", "sign"), [("left", 1.0), ("right", -1.0)])
def test_abduction_by_ninety_degrees_points_the_arm_sideways(side: str, sign: float):
    points = posed_body(BodyShape(), REST | {f"{side}_shoulder_abduction": 90.0}).points
    along = points[f"{side}_elbow"] - points[f"{side}_shoulder"]
    np.testing.assert_allclose(along, (sign * BodyShape().upper_arm, 0, 0), atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_no_pose_stretches_a_bone(seed: int):
    rng = np.random.default_rng(seed)
    shape = sample_shape(rng)
    points = posed_body(shape, sample_pose("leaping", rng)).points
    for (start, end), bone in BONES.items():
        for side in ("left", "right"):
            length = np.linalg.norm(points[f"{side}_{end}"] - points[f"{side}_{start}"])
            assert length == pytest.approx(getattr(shape, bone))


def test_the_mirrored_pose_is_the_mirror_image_of_the_body():
    pose = sample_pose("leaping", np.random.default_rng(3))
    points, mirrored = (posed_body(BodyShape(), p).points for p in (pose, _mirrored(pose)))
    for name, point in points.items():
        np.testing.assert_allclose(mirrored[_swapped(name)], point * (-1, 1, 1), atol=1e-9, err_msg=name)


def test_rotations_follow_the_right_hand():
    np.testing.assert_allclose(rotation("x", 90.0) @ (0, 1, 0), (0, 0, 1), atol=1e-12)
    np.testing.assert_allclose(rotation("y", 90.0) @ (0, 0, 1), (1, 0, 0), atol=1e-12)
    np.testing.assert_allclose(rotation("z", 90.0) @ (1, 0, 0), (0, 1, 0), atol=1e-12)


def _swapped(name: str) -> str:
    side, _, rest = name.partition("_")
    return {"left": f"right_{rest}", "right": f"left_{rest}"}.get(side, name)


def _mirrored(pose: dict[str, float]) -> dict[str, float]:
    turned = ("pelvis_roll", "spine_side", "spine_twist", "head_turn", "head_tilt")
    return {_swapped(name): -angle if name in turned else angle for name, angle in pose.items()}
