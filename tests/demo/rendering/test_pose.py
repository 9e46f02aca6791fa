import numpy as np
import pytest

from demo.rendering.pose import LIMITS, POSE_FAMILIES, sample_pose


@pytest.mark.parametrize("family", POSE_FAMILIES)
def test_every_pose_of_a_family_keeps_the_joints_within_their_limits(family: str):
    rng = np.random.default_rng(0)
    for _ in range(50):
        pose = sample_pose(family, rng)
        assert set(pose) == set(LIMITS)
        for name, angle in pose.items():
            assert LIMITS[name][0] <= angle <= LIMITS[name][1], name


def test_who_sits_has_bent_hips_and_knees_and_who_stands_has_not():
    rng = np.random.default_rng(1)
    sitting, standing = ([sample_pose(family, rng) for _ in range(40)] for family in ("sitting", "standing"))
    assert min(pose["left_hip_flexion"] for pose in sitting) > 50
    assert max(pose["left_hip_flexion"] for pose in standing) < 50
    assert np.mean([pose["right_knee_flexion"] for pose in sitting]) > 70


def test_a_walkers_legs_swing_against_each_other_and_his_arms_against_his_legs():
    rng = np.random.default_rng(2)
    poses = [sample_pose("walking", rng) for _ in range(200)]

    def correlation(a: str, b: str) -> float:
        return float(np.corrcoef([pose[a] for pose in poses], [pose[b] for pose in poses])[0, 1])

    assert correlation("left_hip_flexion", "right_hip_flexion") < -0.7
    assert correlation("left_hip_flexion", "left_shoulder_flexion") < -0.7
