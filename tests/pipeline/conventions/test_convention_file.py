"""A convention as a YAML file of the user's."""

import pytest

from pipeline.conventions.convention_file import read_convention
from pipeline.errors import KDError

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
def test_a_mistake_is_told_with_its_place(tmp_path, found, instead, message):
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
