"""A file in another convention than params.yaml says."""

import pytest

from pipeline.conventions.registry import load_convention
from pipeline.errors import KDError

COCO_NAMES = [
    *(
        "nose",
        "left_eye",
        "right_eye",
        "left_ear",
        "right_ear",
        "left_shoulder",
        "right_shoulder",
        "left_elbow",
    ),
    *("right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee"),
    *("left_ankle", "right_ankle"),
]


def test_a_file_whose_joints_stand_in_another_order_is_refused(tiny):
    tiny.value["categories"][0]["keypoints"] = COCO_NAMES
    with pytest.raises(KDError, match="names its joint 1 'left_eye', but the convention posetrack18 has"):
        tiny.index(convention="posetrack18")


def test_the_same_joints_pass(tiny):
    tiny.value["categories"][0]["keypoints"] = COCO_NAMES
    assert len(tiny.index()[0]) == 3


def test_joints_worded_differently_pass(tiny):
    joints = [joint.replace("_", " ").title() for joint in load_convention("coco17").joints]
    tiny.value["categories"][0]["keypoints"] = ["Nasal tip", *joints[1:]]
    assert len(tiny.index()[0]) == 3


def test_left_and_right_exchanged_are_reported(tiny):
    exchanged = [
        joint.replace("left", "L").replace("right", "left").replace("L", "right") for joint in COCO_NAMES
    ]
    tiny.value["categories"][0]["keypoints"] = exchanged
    with pytest.raises(KDError, match="joint 1 'right_eye', but the convention coco17 has 'left_eye' there"):
        tiny.index()


@pytest.mark.parametrize(
    "categories", [None, [], [{}], [{"keypoints": []}], [{"keypoints": [1, 2]}], "person"]
)
def test_a_file_that_names_no_joints_is_taken_at_its_word(tiny, categories):
    tiny.value["categories"] = categories
    assert len(tiny.index()[0]) == 3
