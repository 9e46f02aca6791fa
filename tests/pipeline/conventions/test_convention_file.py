"""A convention as a YAML file of the user's."""

import re

import pytest

from pipeline.conventions.convention_file import read_convention
from pipeline.conventions.registry import load_convention
from pipeline.errors import KDError

NEW_LINE = re.compile(r"new: \[\w+\]")
HAND = """
joints:
  wrist:       {sigma: 0.06}
  left_thumb:  {sigma: 0.03, weight: 1.5, mirror: right_thumb, similar: left_finger}
  right_thumb: {sigma: 0.04, weight: 1.5, mirror: left_thumb, similar: [right_finger]}
  ring:        {sigma: 0.02, dropped: jewellery}
limbs:
  - [wrist, left_thumb]
"""


def written(folder, text):
    path = folder / "hand4.yaml"
    path.write_text(text)
    return path


def test_a_file_says_it_all_and_lends_its_name(tmp_path):
    hand = read_convention(written(tmp_path, HAND))
    assert hand.name == "hand4"
    assert hand.joints == ("wrist", "left_thumb", "right_thumb", "ring")
    assert hand.sigmas == (0.06, 0.03, 0.04, 0.02)
    assert hand.joint_weights == (1.0, 1.5, 1.5, 1.0)
    assert hand.flip_pairs == (("left_thumb", "right_thumb"),)
    assert hand.limbs == (("wrist", "left_thumb"),)
    assert hand.similar == {"left_thumb": ("left_finger",), "right_thumb": ("right_finger",)}
    assert hand.dropped == {"ring": "jewellery"}
    assert hand.head_segment is None


@pytest.mark.parametrize(
    ("found", "instead", "message"),
    [
        ("{sigma: 0.06}", "{}", r"hand4\.yaml: joints\.wrist\.sigma: missing"),
        (
            "{sigma: 0.06}",
            "{sigma: 60}",
            r"joints\.wrist\.sigma is 60, but input should be less than or equal to 1",
        ),
        ("{sigma: 0.06}", "{sigma: .nan}", r"joints\.wrist\.sigma is nan"),
        ("{sigma: 0.06}", "{sigma: 0.06, simlar: nose}", r"joints\.wrist\.simlar: no such setting"),
        ("  ring: ", "  wrist: ", r"line 6: 'wrist' is defined twice"),
        (
            "mirror: left_thumb",
            "mirror: wrist",
            r"'left_thumb' names 'right_thumb' as its mirror, which names 'wrist'",
        ),
        ("mirror: left_thumb", "weight: 1", r"line 5: 'weight' is defined twice"),
        (
            "mirror: right_thumb",
            "mirror: right_thum",
            r"no joint 'right_thum'\. Did you mean 'right_thumb'\?",
        ),
        ("{sigma: 0.06}", "{sigma: 0.06, mirror: wrist}", r"'wrist' names 'wrist' as its mirror"),
        ("[wrist, left_thumb]", "[wrist, thumb]", r"limbs: there is no joint 'thumb'"),
        ("[wrist, left_thumb]", "[wrist]", r"limbs\.0"),
        ("joints:", "keypoints:", r"joints: missing"),
        ("jewellery", '""', r"joints\.ring\.dropped is ''"),
    ],
)
def test_a_mistake_is_reported_with_its_place(tmp_path, found, instead, message):
    assert HAND.count(found) == 1
    with pytest.raises(KDError, match=message) as error:
        read_convention(written(tmp_path, HAND.replace(found, instead)))
    assert "hand4.yaml" in str(error.value)


def test_a_file_without_joints_is_refused(tmp_path):
    with pytest.raises(KDError, match="convention hand4 has no joints"):
        read_convention(written(tmp_path, "joints: {}"))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(KDError, match=r"there is no convention file .*none\.yaml"):
        read_convention(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("e: {sigma: 0.1, same: left_elbwo}", "left_elbow"),
        ("e: {sigma: 0.1, similar: [nose, hed_top]}", "head_top"),
        ("noose: {sigma: 0.1}", "nose"),
        ("upperneck: {sigma: 0.1}", "upper_neck"),
    ],
)
def test_a_joint_that_is_nearly_a_known_one_is_asked_about(tmp_path, line, meant):
    path = tmp_path / "own.yaml"
    path.write_text(f"joints:\n  {line}\n")
    with pytest.raises(KDError, match=rf"own.yaml: .* Did you mean '{meant}'\?.*new: \[") as error:
        load_convention("own.yaml", tmp_path)
    path.write_text(f"joints:\n  {line}\n{NEW_LINE.search(str(error.value)).group()}\n")
    assert load_convention("own.yaml", tmp_path).joints


def test_joints_that_are_new_and_unlike_any_other_need_no_word(tmp_path):
    (tmp_path / "own.yaml").write_text(
        "joints:\n  tail: {sigma: 0.1}\n  spine: {sigma: 0.1, same: middle_back}\n"
    )
    assert load_convention("own.yaml", tmp_path).joints == ("tail", "spine")


@pytest.mark.realdata
def test_the_packs_own_convention_is_spelt_right(realdata):
    assert load_convention("mocap18/mocap18.yaml", realdata).num_joints == 18


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("l_thigh", "r_thigh"),
        ("thigh_L", "thigh_R"),
        ("LThigh", "RThigh"),
        ("lthigh", "rthigh"),
        ("leftThigh", "rightThigh"),
        ("Left Thigh", "Right Thigh"),
        ("thigh-left", "thigh-right"),
        ("thigh.l.2", "thigh.r.2"),
    ],
)
def test_two_sides_without_mirrors_are_refused_however_they_are_spelt(tmp_path, left, right):
    path = tmp_path / "own.yaml"
    lines = "joints:\n  {}: {{sigma: 0.1{}}}\n  {}: {{sigma: 0.1{}}}\n"
    path.write_text(lines.format(left, "", right, ""))
    with pytest.raises(KDError, match="sound like the two sides of the body"):
        read_convention(path)
    path.write_text(lines.format(left, f", mirror: {right}", right, f", mirror: {left}"))
    assert read_convention(path).flip_pairs == ((left, right),)


def test_joints_that_only_begin_alike_are_no_sides(tmp_path):
    (tmp_path / "own.yaml").write_text(
        "joints:\n  rim: {sigma: 0.1}\n  lap: {sigma: 0.1}\n  rib_2: {sigma: 0.1}\n"
    )
    assert read_convention(tmp_path / "own.yaml").flip_pairs == ()
