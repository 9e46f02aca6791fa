"""File names that look equal and are not, byte for byte."""

import json
import os
import unicodedata

import pytest

from pipeline.datasets.indexed_images import IndexedImages
from pipeline.datasets.refusal import Reason

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "été") for form in ("NFC", "NFD"))


@pytest.fixture
def renamed(tiny):
    """The name of a.jpg in the annotations, and names of files of its picture."""

    def rename(annotated: str, *on_disk: str):
        picture = (tiny.images / "a.jpg").read_bytes()
        for name in on_disk:
            (tiny.images / name).parent.mkdir(exist_ok=True)
            (tiny.images / name).write_bytes(picture)
        tiny.value["images"][0]["file_name"] = annotated
        return tiny.index()

    return rename


@pytest.mark.parametrize(
    ("annotated", "on_disk"),
    [
        (f"{COMPOSED}.jpg", f"{DECOMPOSED}.jpg"),
        (f"{DECOMPOSED}.jpg", f"{COMPOSED}.jpg"),
        (f"./{COMPOSED}/{COMPOSED}.jpg", f"{DECOMPOSED}/{DECOMPOSED}.jpg"),
        (f"{COMPOSED}/a.jpg", f"{DECOMPOSED}/a.jpg"),
    ],
)
def test_a_file_in_the_other_form_of_unicode_is_the_one_that_is_meant(renamed, annotated, on_disk):
    table, refused = renamed(annotated, on_disk)
    assert not refused and set(table.annotation_id) == {5, 6, 7}
    assert set(table.image) == {on_disk, "b.png"}
    assert IndexedImages(table).read(table.image.index(on_disk)).shape == (48, 64, 3)


def test_a_crop_keeps_its_id_whichever_form_its_file_has(renamed):
    first, _ = renamed(f"{COMPOSED}.jpg", f"{DECOMPOSED}.jpg")
    second, _ = renamed(f"{COMPOSED}.jpg", f"{COMPOSED}.jpg")
    assert first.crop_id.tolist() == second.crop_id.tolist()


def test_the_file_that_is_named_exactly_wins_over_one_that_looks_the_same(renamed):
    table, refused = renamed(f"{COMPOSED}.jpg", f"{DECOMPOSED}.jpg", f"{COMPOSED}.jpg")
    assert not refused and f"{COMPOSED}.jpg" in table.image


def test_of_two_files_that_look_like_the_name_none_is_guessed(renamed):
    """An accent over the first é, none of its own over the second, and the other way round."""
    mixed = [f"{COMPOSED[0]}t{DECOMPOSED[3:]}.jpg", f"{DECOMPOSED[:2]}t{COMPOSED[-1]}.jpg"]
    _, refused = renamed(f"{COMPOSED}.jpg", *mixed)
    assert {refusal.reason for refusal in refused} == {Reason.AMBIGUOUS_NAME}
    assert "and neither is '\\xe9t\\xe9.jpg' exactly" in refused[0].detail


def test_a_name_that_looks_like_no_file_is_missing(renamed):
    _, refused = renamed(f"{COMPOSED}.jpg")
    assert {refusal.reason for refusal in refused} == {Reason.MISSING_IMAGE}


def test_a_name_of_other_bytes_than_utf_8_is_refused_and_the_others_stay(tiny):
    """As JSON writes a latin-1 name that Python has read from a disk."""
    name = os.fsdecode(b"caf\xe9.jpg")
    (tiny.images / "a.jpg").rename(tiny.images / name)
    tiny.value["images"][0]["file_name"] = name
    assert "\\udce9" in json.dumps(tiny.value)
    table, refused = tiny.index()
    assert table.annotation_id.tolist() == [7]
    assert {refusal.reason for refusal in refused} == {Reason.FILE_NAME}
