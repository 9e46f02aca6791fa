"""Conventions by name or path."""

import pytest

from pipeline.conventions.registry import BUILTIN, builtin_union_joints, load_convention
from pipeline.errors import KDError


@pytest.mark.parametrize("name", BUILTIN)
def test_the_number_in_a_name_is_the_number_of_joints(name):
    number = 17 if name == "posetrack18" else int(name[-2:])
    assert load_convention(name).num_joints == number
    assert load_convention(name).name == name


def test_a_path_is_relative_to_the_root(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "dot.yaml").write_text("joints: {dot: {sigma: 0.1}}")
    assert load_convention("own/dot.yaml", tmp_path).joints == ("dot",)
    assert load_convention(str(tmp_path / "own" / "dot.yaml")).joints == ("dot",)


def test_an_unknown_name_is_refused_with_the_nearest_known_one():
    with pytest.raises(
        KDError, match=r"no convention 'coco-17'\. Did you mean 'coco17'\? Known: aic14, .*\.yaml file"
    ):
        load_convention("coco-17")


def test_a_file_may_not_take_a_built_in_name(tmp_path):
    (tmp_path / "coco17.yaml").write_text("joints: {dot: {sigma: 0.1}}")
    with pytest.raises(KDError, match="has the name of the built-in convention coco17. Rename the file"):
        load_convention("coco17.yaml", tmp_path)


def test_the_built_in_union_joints_open_with_coco_and_mpii():
    coco = load_convention("coco17").joints
    assert builtin_union_joints()[:21] == (*coco, "pelvis", "thorax", "upper_neck", "head_top")


@pytest.mark.parametrize("name", BUILTIN)
def test_what_a_joint_is_similar_to_some_built_in_convention_has(name):
    conventions = [load_convention(each) for each in BUILTIN]
    provided = {
        union for c in conventions for j in c.joints for kind, union in c.declared(j) if kind == "same"
    }
    declared = {union for j in load_convention(name).joints for _, union in load_convention(name).declared(j)}
    assert declared <= provided
