from dataclasses import replace

import pytest

from pipeline.conventions.convention import Convention
from pipeline.conventions.registry import BUILTIN, load_convention
from pipeline.errors import KDError
from student.evaluation.metrics.common_joints import common_joints
from student.evaluation.metrics.pck import LIMB_JOINTS


def test_every_built_in_convention_has_the_twelve_limb_joints():
    joints = common_joints([load_convention(name) for name in BUILTIN])
    assert {frozenset(of_convention) for of_convention in joints.values()} == {frozenset(LIMB_JOINTS)}


def test_a_joint_is_common_under_whatever_name_each_convention_has_it():
    """AIC's `neck` is similar to the union's `upper_neck`, which is MPII's own name for its joint."""
    joints = common_joints([load_convention("aic14"), load_convention("mpii16")])
    pairs = dict(zip(joints["mpii16"], joints["aic14"], strict=True))
    assert pairs["upper_neck"] == "neck" and pairs["head_top"] == "head_top"
    assert set(pairs) == {*LIMB_JOINTS, "upper_neck", "head_top"}


def test_one_convention_has_all_its_joints_in_common_with_itself():
    coco = load_convention("coco17")
    assert common_joints([coco, coco]) == {"coco17": coco.joints}


def test_conventions_may_have_nothing_in_common(body):
    tail = Convention("tail", ("root", "tip"), (), sigmas=(0.1, 0.1), joint_weights=(1.0, 1.0), limbs=())
    assert common_joints([body, tail]) == {"body6": (), "tail": ()}


def test_two_conventions_of_one_name_are_refused(body):
    with pytest.raises(KDError, match="two different conventions go by the name 'body6'"):
        common_joints([body, replace(body, limbs=())])
