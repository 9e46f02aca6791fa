"""Annotation files that are wrong as a whole: the error names the cause and what the file looks like."""

import bz2
import gzip
import json
import lzma
from array import array

import pytest

from pipeline.datasets.formats.json_file import looks_like, read_json
from pipeline.errors import KDError

MPII_ENTRY = {"joints": [[1, 2]], "joints_vis": [1], "center": [1, 2], "scale": 1, "image": "a.jpg"}
DETECTION = {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "Expecting value at line 1, column 1"),
        (b'{"images": [', "Expecting value at line 1, column 13"),
        (b"<html>404</html>", "Expecting value"),
        (b"\xff\xd8\xff\xe0", "not UTF-8 text"),
        (b"[" + b"1" * 5000 + b"]", "digits"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_not_json_is_refused_with_its_place(tmp_path, content, cause):
    path = tmp_path / "people.json"
    path.write_bytes(content)
    with pytest.raises(KDError, match=f"people.json is not JSON: .*{cause}"):
        read_json(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(KDError, match="nowhere.json does not exist"):
        read_json(tmp_path / "nowhere.json")
    with pytest.raises(KDError, match="is a folder"):
        read_json(tmp_path)


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    path = tmp_path / "people.json"
    path.write_bytes(b"\xef\xbb\xbf[1]")
    assert read_json(path) == [1]


@pytest.mark.parametrize("numbers", [[1, 2, 0], [1.25, 2, 0], [70_000, 0, 0], [True, 1, 0]])
def test_plain_numbers_are_packed_and_stay_what_they_are(tmp_path, numbers):
    path = tmp_path / "people.json"
    path.write_text(json.dumps([{"keypoints": numbers, "keypoints_21": numbers, "bbox": numbers}]))
    (entry,) = read_json(path)
    for packed in entry.values():
        assert isinstance(packed, array) and packed.tolist() == numbers


@pytest.mark.parametrize(
    "odd", ['["1", 2]', "[[1, 2]]", "[null]", "[NaN, 1]", "[1e30]", "[]", "3", "[1" + "0" * 400 + "]"]
)
def test_anything_else_in_their_place_stays_as_written_for_messages_to_quote(tmp_path, odd):
    path = tmp_path / "people.json"
    path.write_text(f'[{{"keypoints": {odd}}}]')
    assert repr(read_json(path)[0]["keypoints"]) == repr(json.loads(odd))


def test_outlines_are_passed_over_and_their_key_stays(tmp_path):
    path = tmp_path / "people.json"
    path.write_text('[{"segmentation": [[1, 2, 3, 4]], "id": 1}]')
    assert read_json(path) == [{"segmentation": None, "id": 1}]


@pytest.mark.parametrize(
    ("value", "guess"),
    [
        ([MPII_ENTRY], "MPII list"),
        ([DETECTION], "detection results"),
        ([{**DETECTION, "keypoints": []}], "keypoint results"),
        ({"images": [], "annotations": [{"bbox": [1, 2, 3, 4]}]}, "1 annotations, none with keypoints"),
        ({"images": [], "annotations": [{"caption": "a man"}]}, "COCO captions"),
        ({"annolist": []}, "an object with the keys annolist"),
        ({}, "an object with no keys"),
        ([], "an empty list"),
        ([3], "a list of int values"),
        (None, "a single JSON NoneType"),
    ],
)
def test_a_wrong_file_is_named_after_what_it_looks_like(tiny, value, guess):
    assert guess in looks_like(value)
    tiny.value = value
    with pytest.raises(KDError, match="people.json looks like") as error:
        tiny.index()
    assert guess in str(error.value) and "format" in str(error.value)


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        ("mpii", {"images": [], "annotations": [{"keypoints": []}]}),
        ("images", [MPII_ENTRY]),
        ("posetrack18", [DETECTION]),
    ],
)
def test_every_format_refuses_another_format_s_file(tiny, wanted, value):
    tiny.value = value
    with pytest.raises(KDError, match="people.json looks like .*was wanted"):
        tiny.index(format=wanted)


@pytest.mark.parametrize(
    ("pack", "message"),
    [
        (gzip.compress, "compressed by gzip, but plain JSON was wanted. Unpack it .gunzip people.json.gz."),
        (bz2.compress, "compressed by bzip2"),
        (lzma.compress, "compressed by xz"),
    ],
)
def test_a_compressed_file_is_refused_as_that(tmp_path, pack, message):
    path = tmp_path / "people.json.gz"
    path.write_bytes(pack(b"[]"))
    with pytest.raises(KDError, match=message):
        read_json(path)
