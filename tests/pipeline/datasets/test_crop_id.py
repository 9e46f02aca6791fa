"""A crop's id survives everything that happens to its neighbours."""

import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.datasets.crop_id import crop_id_of
from pipeline.datasets.index import index_dataset
from pipeline.params import DatasetParams

BOX = np.array([1.0, 2.0, 3.0, 4.0])
people = st.lists(
    st.tuples(st.sampled_from(["a.png", "b.png", "c.png"]), st.integers(0, 20)), unique=True, max_size=8
)
"""(image, n): n is the annotation's number, or the box's corner where there are no annotations."""


def ids(chosen: list[tuple[str, int]], detected: bool) -> dict[tuple[str, int], int]:
    """Crop ids by (image, n), of a dataset of these people in this order."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("a.png", "b.png", "c.png"):
            Image.new("RGB", (64, 64)).save(root / name)
        value = _detections(chosen) if detected else _annotations(chosen)
        (root / "people.json").write_text(json.dumps(value))
        kind = "images" if detected else "coco"
        params = DatasetParams(format=kind, convention="coco17", images=".", annotations="people.json")
        table, refused = index_dataset("d", params, root, workers=1)
    assert not refused
    numbers = table.bbox[:, 0] if detected else table.annotation_id % 100
    keys = zip(table.image, numbers.astype(int).tolist(), strict=True)
    return dict(zip(keys, table.crop_id.tolist(), strict=True))


def _detections(chosen):
    return [{"file_name": name, "bbox": [n, 3, 9, 9], "score": 0.5} for name, n in chosen]


def _annotations(chosen):
    images = {"a.png": 1, "b.png": 2, "c.png": 3}
    return {
        "images": [{"id": number, "file_name": name} for name, number in images.items()],
        "annotations": [
            {
                "id": 100 * images[name] + n,
                "image_id": images[name],
                "bbox": [1, 1, 9, 9],
                "keypoints": [5, 5, 2] * 17,
            }
            for name, n in chosen
        ],
    }


@settings(max_examples=20)
@given(first=people, more=people, detected=st.booleans(), data=st.data())
def test_adding_removing_and_reordering_others_changes_no_id(first, more, detected, data):
    first = first or [("a.png", 1)]
    both = data.draw(st.permutations(list(dict.fromkeys(first + more))))
    before, after = ids(first, detected), ids(both, detected)
    assert {person: after[person] for person in before} == before
    assert len(set(after.values())) == len(both)


@given(
    image=st.text(st.characters(exclude_categories=["Cs"])),
    annotation_id=st.none() | st.integers(-(2**63), 2**63 - 1),
)
def test_ids_are_63_bits_and_not_negative(image, annotation_id):
    assert 0 <= crop_id_of(image, annotation_id, BOX) < 2**63


@given(st.text("ab/.", min_size=1), st.text("ab/.", min_size=1), st.integers(0, 5), st.integers(0, 5))
def test_different_people_have_different_ids(image, other, number, another):
    same = (image, number) == (other, another)
    assert (crop_id_of(image, number, BOX) == crop_id_of(other, another, BOX)) == same


def test_the_id_is_the_documented_one():
    digest = hashlib.sha256(b"a.jpg\0id 7").hexdigest()
    assert crop_id_of("a.jpg", 7, BOX) == int(digest[:16], 16) >> 1


def test_an_annotation_s_id_does_not_depend_on_its_box_and_a_box_s_does():
    assert crop_id_of("a.jpg", 7, BOX) == crop_id_of("a.jpg", 7, BOX + 1)
    assert crop_id_of("a.jpg", None, BOX) != crop_id_of("a.jpg", None, BOX + 1)
