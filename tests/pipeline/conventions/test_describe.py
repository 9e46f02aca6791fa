"""The union as `kd-pipeline skeleton show` prints it."""

import json

from pipeline.conventions.describe import describe_union, union_as_dict
from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import build_union

CONVENTIONS = [load_convention(name) for name in ("coco17", "mpii16", "posetrack18")]


def row(text: str, joint: str) -> list[str]:
    return next(line for line in text.splitlines() if f" {joint} " in line).split()


def test_the_table_says_who_provides_which_joint():
    text = describe_union(build_union(CONVENTIONS), CONVENTIONS)
    assert row(text, "joint") == ["joint", "sigma", "coco17", "mpii16", "posetrack18"]
    assert row(text, "left_hip") == ["11", "left_hip", "0.107", "same", "similar", "similar"]
    assert row(text, "upper_neck") == ["19", "upper_neck", "0.026", "same", "similar", "(head_bottom)"]


def test_columns_are_aligned():
    lines = describe_union(build_union(CONVENTIONS), CONVENTIONS).splitlines()
    column = next(line for line in lines if "posetrack18" in line).index("posetrack18")
    assert next(line for line in lines if "pelvis" in line).rstrip().endswith("same")
    assert next(line for line in lines if "upper_neck" in line)[column:] == "similar (head_bottom)"


def test_what_is_dropped_is_listed_with_its_reason():
    text = describe_union(build_union(CONVENTIONS), CONVENTIONS)
    assert "DROPPED posetrack18 left_ear: never annotated" in text.splitlines()
    assert "Nothing is dropped" not in text


def test_nothing_dropped_is_stated_too():
    assert "Nothing is dropped" in describe_union(build_union(CONVENTIONS[:2]), CONVENTIONS[:2])


def test_joints_that_were_not_asked_for_say_so():
    union = build_union(CONVENTIONS[:1], joints=["nose"])
    assert "DROPPED coco17 left_eye: its union joint was not asked for" in describe_union(
        union, CONVENTIONS[:1]
    )


def test_json_says_the_same():
    values = union_as_dict(build_union(CONVENTIONS, similar_weight=0.25), CONVENTIONS)
    assert json.loads(json.dumps(values)) == values
    hip = values["joints"][11]
    assert (hip["name"], hip["mirror"], hip["sigma"]) == ("left_hip", "right_hip", 0.107)
    assert hip["provided_by"] == {
        "coco17": [{"joint": "left_hip", "relation": "same", "weight": 1.0}],
        "mpii16": [{"joint": "left_hip", "relation": "similar", "weight": 0.25}],
        "posetrack18": [{"joint": "left_hip", "relation": "similar", "weight": 0.25}],
    }
    assert values["dropped"]["posetrack18"] == {"left_ear": "never annotated", "right_ear": "never annotated"}
