"""Mistakes of units and order that only all samples together show."""

import json
from dataclasses import replace

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from pipeline.conventions.registry import load_convention
from pipeline.datasets.crop_table import CropTable
from pipeline.datasets.index import index_dataset
from pipeline.datasets.plausibility import doubts
from stages.cli import main

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


def test_a_handful_raises_no_doubts(table, tiny):
    for person in tiny.value["annotations"]:
        person["bbox"] = [*person["bbox"][:2], 2, 2]
    assert doubts(tiny.index()[0], COCO)
    tiny.value["annotations"] = tiny.value["annotations"][:10]
    assert doubts(tiny.index()[0], COCO) == []


def _normalised(person):
    x, y, w, h = person["bbox"]
    person["bbox"] = [x / 640, y / 480, w / 640, h / 480]
    person["keypoints"] = [v / (640, 480, 1)[n % 3] for n, v in enumerate(person["keypoints"])]


def _corners(person):
    x, y, w, h = person["bbox"]
    person["bbox"] = [x, y, x + w, y + h]


def _relative_to_the_box(person):
    x, y, *_ = person["bbox"]
    person["keypoints"] = [v - (x, y, 0)[n % 3] for n, v in enumerate(person["keypoints"])]


def _viewers_sides(person):
    joints = np.reshape(person["keypoints"], (17, 3))
    person["keypoints"] = joints[list(COCO.flip_permutation)].ravel().tolist()


@pytest.mark.parametrize(
    ("mistake", "warning"),
    [
        (_normalised, "120 boxes are under 4 pixels wide or high"),
        (_corners, "if their four numbers were two corners"),
        (_relative_to_the_box, "labelled joints lie more than half a box away"),
        (_viewers_sides, "have their left shoulder to the right"),
    ],
)
def test_a_mistake_of_units_in_a_file_is_a_warning_when_it_is_indexed(table, tiny, mistake, warning):
    for person in tiny.value["annotations"]:
        mistake(person)
    tiny.write()
    params = {
        "cells": {"teachers": ["lamp"], "datasets": ["tiny"]},
        "datasets": {"tiny": tiny.params().model_dump()},
        "teachers": {"lamp": {"adapter": "onnx", "config": "a", "checkpoint": "b", "convention": "coco17"}},
        "train": {"datasets": ["tiny"]},
        "evaluate": {"datasets": ["tiny"]},
    }
    (tiny.root / "params.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(params))))
    done = CliRunner().invoke(main, ["index-datasets", "--workspace", str(tiny.root)])
    assert done.exit_code == 0, done.output
    assert any(line.startswith("  Warning: ") and warning in line for line in done.output.splitlines())


@pytest.mark.realdata
def test_the_real_pack_raises_no_doubt(pack, realdata):
    for name, params in pack.items():
        table, _ = index_dataset(name, params, realdata)
        assert doubts(table, load_convention(params.convention)) == [], name
