"""Boxes from a detector: in place of annotated ones, and for pictures without annotations."""

import json

import numpy as np
import pytest

from pipeline.datasets.index import index_people
from pipeline.datasets.refusal import Reason
from pipeline.errors import KDError


def detection(image_id: int = 1, **changes) -> dict:
    return {"image_id": image_id, "category_id": 1, "bbox": [-3.5, 2, 30, 60], "score": 0.5} | changes


@pytest.fixture
def detected(tiny):
    def index(*detections, **changes):
        (tiny.root / "boxes.json").write_text(json.dumps(list(detections)))
        return tiny.index(boxes="boxes.json", **changes)

    return index


def test_detected_boxes_replace_the_annotated_and_are_not_clipped(detected):
    table, refused = detected(detection(2), detection(1, score=0.25))
    assert table.image == ["a.jpg", "b.png"] and not refused
    assert table.bbox.tolist() == [[-3.5, 2, 30, 60]] * 2
    assert table.box_score.tolist() == [0.25, 0.5]
    assert table.annotation_id.tolist() == [-1, -1]
    assert not table.labelled.any() and not table.visibility.any() and table.keypoints.shape == (2, 17, 2)


def test_the_annotated_people_are_still_there_to_evaluate_against(detected, tiny):
    detected(detection())
    people = index_people("tiny", tiny.params(boxes="boxes.json"), tiny.root)
    assert people.annotation_id.tolist() == [5, 6, 7] and people.labelled.all()


def test_other_categories_and_low_scores_are_passed_over(detected):
    table, refused = detected(
        detection(category_id=3),
        detection(score=0.1),
        detection(score=0.3, bbox=[1, 1, 9, 9]),
        min_box_score=0.3,
    )
    assert table.box_score.tolist() == [np.float32(0.3)] and not refused


def test_people_of_one_image_stand_by_falling_score(detected):
    table, _ = detected(detection(score=0.2), detection(score=0.9, bbox=[1, 1, 9, 9]))
    assert table.box_score.tolist() == [np.float32(0.9), np.float32(0.2)]


def test_a_detection_may_name_its_image_by_file(detected):
    table, _ = detected(detection(image_id=12345, file_name="b.png"))
    assert table.image == ["b.png"] and table.image_id.tolist() == [2]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"image_id": 99}, Reason.UNKNOWN_IMAGE),
        ({"file_name": "z.jpg"}, Reason.UNKNOWN_IMAGE),
        ({"image_id": None}, Reason.MALFORMED),
        ({"score": None}, Reason.MALFORMED),
        ({"score": float("nan")}, Reason.MALFORMED),
        ({"bbox": None}, Reason.MALFORMED),
        ({"bbox": [1, 2]}, Reason.MALFORMED),
        ({"bbox": [1, 2, 0, 5]}, Reason.EMPTY_BOX),
        ({"bbox": [70, 2, 5, 5]}, Reason.BOX_OUTSIDE),
        ({}, Reason.DUPLICATE),
    ],
)
def test_a_spoiled_detection_is_refused_and_the_others_stay(detected, changes, reason):
    table, (refusal,) = detected(detection(), detection(**changes))
    assert len(table) == 1 and refusal.reason == reason


def test_no_box_over_the_score_is_an_error(detected):
    with pytest.raises(KDError, match="boxes.json lists no people"):
        detected(detection(), min_box_score=0.9)


@pytest.mark.parametrize("zero", [0, "0"])
def test_a_detector_that_counts_from_0_calls_people_0(detected, zero):
    table, refused = detected(detection(category_id=zero), detection(category_id=1, bbox=[1, 1, 20, 20]))
    assert len(table) == 1 and table.bbox[0].tolist() == detection()["bbox"] and not refused
