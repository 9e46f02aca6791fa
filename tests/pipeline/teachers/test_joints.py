import pytest

from pipeline.conventions.registry import load_convention
from pipeline.errors import KDError
from pipeline.teachers.joints import teacher_convention

COCO = load_convention("coco17")


def test_without_names_in_the_files_the_conventions_order_counts():
    assert teacher_convention("t", COCO, {}, 17) is COCO


def test_names_in_the_conventions_order_change_nothing():
    assert teacher_convention("t", COCO, {"the config": COCO.joints}, 17) is COCO


def test_another_order_keeps_each_joints_meaning():
    joints = ["right_ankle", "left_ankle", *COCO.joints[:15]]
    ours = teacher_convention("t", COCO, {"the sidecar": joints}, 17)
    assert ours.joints == tuple(joints)
    assert ours.name == "coco17@t" and ours.origin == "coco17"
    assert ours.flip_permutation[:3] == (1, 0, 2)
    assert ours.sigmas[0] == COCO.sigmas[COCO.index("right_ankle")]


def test_files_that_disagree_are_named_with_the_first_difference():
    joints_by_file = {
        "the checkpoint": COCO.joints,
        "the config": (*COCO.joints[:15], "right_ankle", "left_ankle"),
    }
    with pytest.raises(
        KDError, match="the checkpoint and the config of teacher t disagree.*joint 15 is left_ankle and"
    ):
        teacher_convention("t", COCO, joints_by_file, 17)


def test_files_with_other_numbers_of_joints_are_named():
    with pytest.raises(KDError, match="17 and 16 joints"):
        teacher_convention("t", COCO, {"the checkpoint": COCO.joints, "the config": COCO.joints[:16]}, 17)


def test_a_joint_of_another_convention_is_an_error_that_names_it():
    joints_by_file = {"the checkpoint": load_convention("mpii16").joints}
    with pytest.raises(KDError, match="teacher t, whose joints are those of the checkpoint.*pelvis"):
        teacher_convention("t", COCO, joints_by_file, 16)


def test_maps_of_another_number_of_joints_are_an_error():
    with pytest.raises(KDError, match="makes maps of 16 joints, but the sidecar names 17"):
        teacher_convention("t", COCO, {"the sidecar": COCO.joints}, 16)
    with pytest.raises(KDError, match="makes maps of 16 joints, but its convention coco17 names 17"):
        teacher_convention("t", COCO, {}, 16)
