"""People found in pictures without annotations, by a detector that knows where they are."""

import json
import os

import numpy as np
import pytest

from pipeline.datasets.detect import detect_people, whole_picture
from pipeline.datasets.refusal import Reason
from pipeline.errors import KDError

BOXES = np.array([[1, 2, 11, 22], [5, 5, 25, 30], [0, 0, 9, 9], [np.nan, 0, 9, 9]], np.float32)
SCORES = np.array([0.9, 0.4, 0.01, 0.9], np.float32)


def detector(image_bgr):
    assert image_bgr.shape == (48, 64, 3)
    return BOXES, SCORES


@pytest.fixture
def pictures(tiny):
    tiny.add_image("sub/c.JPG")
    (tiny.images / "notes.txt").write_text("no picture")
    return tiny


def test_results_are_coco_s_with_file_names(pictures):
    out = pictures.root / "found" / "boxes.json"
    done = detect_people(pictures.images, detector, out)
    assert (done.images, done.people, done.refused) == (3, 6, [])
    entries = json.loads(out.read_text())
    assert [entry["file_name"] for entry in entries[::2]] == ["a.jpg", "b.png", "sub/c.JPG"]
    assert [entry["image_id"] for entry in entries[::2]] == [1, 2, 3]
    assert entries[0]["bbox"] == [1, 2, 10, 20] and entries[0]["category_id"] == 1
    assert [entry["score"] for entry in entries[:2]] == pytest.approx([0.9, 0.4])
    assert [path.name for path in out.parent.iterdir()] == ["boxes.json"]


def test_what_is_found_can_be_indexed(pictures):
    detect_people(pictures.images, detector, pictures.root / "boxes.json")
    pictures.write()
    table, refused = pictures.index(format="images", annotations="boxes.json")
    assert table.image == ["a.jpg", "a.jpg", "b.png", "b.png", "sub/c.JPG", "sub/c.JPG"] and not refused
    assert table.bbox[:2].tolist() == [[1, 2, 10, 20], [5, 5, 20, 25]]


def test_a_picture_of_one_person_is_a_box_of_its_own(pictures):
    pictures.add_image("tall.png", (20, 50))
    detect_people(pictures.images, whole_picture, pictures.root / "boxes.json")
    table, refused = pictures.index(format="images", annotations="boxes.json", convention=None)
    assert table.image == ["a.jpg", "b.png", "sub/c.JPG", "tall.png"] and not refused
    assert table.bbox.tolist() == [[0, 0, 64, 48]] * 3 + [[0, 0, 20, 50]]


def test_a_broken_picture_does_not_stop_the_run(pictures):
    (pictures.images / "b.png").write_bytes(b"broken")
    done = detect_people(pictures.images, detector, pictures.root / "boxes.json")
    assert (done.images, done.people) == (2, 4)
    assert [(refusal.image, refusal.reason) for refusal in done.refused] == [("b.png", Reason.BROKEN_IMAGE)]


def test_pictures_without_people_give_an_empty_list(pictures):
    no_person = lambda image: (np.zeros((0, 4), np.float32), np.zeros(0, np.float32))  # noqa: E731
    detect_people(pictures.images, no_person, pictures.root / "boxes.json")
    assert json.loads((pictures.root / "boxes.json").read_text()) == []


def test_a_killed_run_leaves_nothing(pictures):
    def killed(image):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect_people(pictures.images, killed, pictures.root / "found" / "boxes.json")
    assert list((pictures.root / "found").iterdir()) == []


def test_no_folder_no_pictures_and_none_readable_are_errors(pictures, tmp_path):
    (tmp_path / "empty").mkdir()
    out = tmp_path / "boxes.json"
    with pytest.raises(KDError, match="there is no folder"):
        detect_people(tmp_path / "nowhere", detector, out)
    with pytest.raises(KDError, match="there is no picture in .*empty"):
        detect_people(tmp_path / "empty", detector, out)
    (tmp_path / "empty" / "x.jpg").write_bytes(b"broken")
    with pytest.raises(KDError, match="none of the 1 pictures .* can be read, for example x.jpg"):
        detect_people(tmp_path / "empty", detector, out)
    assert not out.exists()


def test_a_file_name_in_latin_1_is_refused_and_the_run_continues(pictures):
    """Python has such bytes as halves of characters, which neither a table nor a terminal takes."""
    (pictures.images / "a.jpg").rename(os.fsdecode(os.fsencode(pictures.images) + b"/caf\xe9.jpg"))
    done = detect_people(pictures.images, detector, pictures.root / "boxes.json")
    (refusal,) = done.refused
    assert (refusal.image, refusal.reason) == ("caf\\xe9.jpg", Reason.FILE_NAME)
    assert done.images == 2 and "Rename the file" in refusal.detail
    pictures.write()
    table, _ = pictures.index(format="images", annotations="boxes.json")
    assert set(table.image) == {"b.png", "sub/c.JPG"}
