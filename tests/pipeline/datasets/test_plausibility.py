"""Mistakes of units and order that only all samples together show."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.conventions.registry import load_convention
from pipeline.datasets.crop_table import CropTable
from pipeline.datasets.index import index_dataset
from pipeline.datasets.plausibility import doubts

COCO = load_convention("coco17")


@pytest.fixture
def table(tiny) -> CropTable:
    """A hundred and twenty people in a picture of 640 x 480, all over it, three in four facing the camera."""
    tiny.add_image("a.jpg", (640, 480))
    rng = np.random.default_rng(0)
    people = []
    for number in range(120):
        side = rng.uniform([60, 100], [120, 200])
        corner = rng.uniform([5, 5], np.array([634, 474]) - side)
        joints = corner + side * rng.uniform(0.05, 0.95, (17, 2))
        left, right = COCO.joints.index("left_shoulder"), COCO.joints.index("right_shoulder")
        if (joints[left, 0] > joints[right, 0]) != (number % 4 > 0):
            joints[[left, right]] = joints[[right, left]]
        keypoints = np.concatenate([joints, np.full((17, 1), 2)], axis=1).ravel().tolist()
        people.append(tiny.person(number, 1, bbox=[*corner, *side], keypoints=keypoints))
    tiny.value["annotations"] = people
    tiny.value["images"] = [{"id": 1, "file_name": "a.jpg"}]
    return tiny.index()[0]


def test_a_sound_split_raises_no_doubt(table):
    assert doubts(table, COCO) == [] and doubts(table, None) == []


def test_boxes_of_a_few_pixels(table):
    (doubt,) = doubts(replace(table, bbox=table.bbox / [640, 480, 640, 480]), None)
    assert "120 of 120 boxes are under 4 pixels wide or high. Are they scaled" in doubt


def test_joints_far_from_their_boxes(table):
    (doubt,) = doubts(replace(table, keypoints=(table.keypoints / [640, 480]).astype(np.float32)), COCO)
    assert (
        doubt.startswith("2040 of 2040 labelled joints lie") or "labelled joints lie more than half" in doubt
    )


def test_boxes_written_as_corners(table, tiny):
    for person in tiny.value["annotations"]:
        x, y, w, h = person["bbox"]
        person["bbox"] = [x, y, x + w, y + h]
    (doubt,) = doubts(tiny.index()[0], COCO)
    assert "if their four numbers were two corners. Are they x1, y1, x2, y2?" in doubt


def test_left_and_right_exchanged(table):
    (doubt,) = doubts(replace(table, keypoints=table.keypoints[:, list(COCO.flip_permutation)]), COCO)
    assert doubt.startswith("of 120 people 30 have their left shoulder to the right")


def test_nothing_is_said_of_a_handful(table, tiny):
    for person in tiny.value["annotations"]:
        person["bbox"] = [*person["bbox"][:2], 2, 2]
    assert doubts(tiny.index()[0], COCO)
    tiny.value["annotations"] = tiny.value["annotations"][:10]
    assert doubts(tiny.index()[0], COCO) == []


@pytest.mark.realdata
def test_the_real_pack_raises_no_doubt(pack, realdata):
    for name, params in pack.items():
        table, _ = index_dataset(name, params, realdata)
        assert doubts(table, load_convention(params.convention)) == [], name
