"""The list of refused samples."""

import json

from pipeline.datasets.refusal import Reason, Refusal, count_reasons, read_refusals, write_refusals

REFUSALS = [
    Refusal("a.jpg", 5, Reason.EMPTY_BOX, "bbox is 1, 2, 0, 4"),
    Refusal("bé\ud800.jpg", None, Reason.MISSING_IMAGE),
    Refusal(None, 7, Reason.EMPTY_BOX),
]


def test_refusals_are_json_with_one_entry_a_line(tmp_path):
    path = tmp_path / "refused.json"
    write_refusals(REFUSALS, path)
    assert json.loads(path.read_text())[0] == {
        "image": "a.jpg",
        "annotation_id": 5,
        "reason": "box without area",
        "detail": "bbox is 1, 2, 0, 4",
    }
    assert len(path.read_text().splitlines()) == 2 + len(REFUSALS)
    assert read_refusals(path) == REFUSALS


def test_an_empty_list_is_written_too(tmp_path):
    write_refusals([], tmp_path / "refused.json")
    assert read_refusals(tmp_path / "refused.json") == []


def test_reasons_are_counted_most_frequent_first():
    assert list(count_reasons(REFUSALS).items()) == [("box without area", 2), ("image missing", 1)]
