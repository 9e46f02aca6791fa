"""A dataset as a whole: bad samples never stop it, a wholly wrong one does."""

import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.datasets.refusal import Reason
from pipeline.errors import KDError


def test_images_that_cannot_be_used_refuse_their_people_and_no_others(tiny):
    (tiny.images / "a.jpg").write_bytes((tiny.images / "a.jpg").read_bytes()[:-20])
    table, refused = tiny.index()
    assert table.annotation_id.tolist() == [7]
    assert [(r.image, r.annotation_id, r.reason) for r in refused] == [
        ("a.jpg", 5, Reason.BROKEN_IMAGE),
        ("a.jpg", 6, Reason.BROKEN_IMAGE),
    ]
    assert "truncated" in refused[0].detail


def test_every_kind_of_bad_sample_at_once_leaves_the_good_ones(tiny):
    outside = tiny.root / "outside.jpg"
    tiny.add_image("c.jpg").rename(outside)
    (tiny.images / "link.jpg").symlink_to(outside)
    names = {3: "gone.jpg", 4: "../outside.jpg", 6: "link.jpg", 8: str(outside)}
    tiny.value["images"] += [{"id": number, "file_name": name} for number, name in names.items()]
    tiny.value["annotations"] += [tiny.person(100 + number, number) for number in names]
    tiny.value["annotations"] += [tiny.person(200, 1, bbox=[0, 0, 0, 0]), tiny.person(201, 1, keypoints=[1])]
    table, refused = tiny.index()
    assert sorted(table.annotation_id.tolist()) == [5, 6, 7, 106]  # a link is what it points to
    assert {refusal.annotation_id: refusal.reason for refusal in refused} == {
        103: Reason.MISSING_IMAGE,
        104: Reason.OUTSIDE_FOLDER,
        108: Reason.OUTSIDE_FOLDER,
        200: Reason.EMPTY_BOX,
        201: Reason.KEYPOINT_COUNT,
    }


@pytest.mark.parametrize("annotations", ["a\0b.json", "x" * 5000 + ".json"])
def test_annotations_with_a_name_that_no_file_can_have_are_one_paragraph(tiny, annotations):
    with pytest.raises(KDError, match=r"does not exist|cannot be read: File name too long"):
        tiny.index(annotations=annotations)


def test_the_images_folder_may_be_a_link(tiny):
    plain, _ = tiny.index()
    (tiny.root / "link").symlink_to(tiny.images)
    linked, refused = tiny.index(images="link")
    assert linked.labels_sha256 == plain.labels_sha256 and not refused


def test_a_dataset_without_one_usable_sample_is_an_error_with_its_reasons(tiny):
    (tiny.images / "a.jpg").unlink()
    tiny.value["annotations"][0]["bbox"] = [0, 0, 0, 0]
    with pytest.raises(KDError) as error:
        tiny.index()
    message = str(error.value)
    assert "dataset 'tiny': all 3 samples of" in message
    assert "image missing (2), box without area (1)" in message
    assert "For example a.jpg: there is no file" in message


def test_a_wrong_convention_for_a_whole_file_is_an_error(tiny):
    with pytest.raises(KDError, match="51 numbers .17 joints., but mpii16 has 16 joints"):
        tiny.index(convention="mpii16")


def test_a_file_without_people_is_an_error(tiny):
    tiny.value["annotations"] = []
    with pytest.raises(KDError, match="people.json lists no people"):
        tiny.index()


def test_a_missing_images_folder_is_an_error(tiny):
    with pytest.raises(KDError, match="the images folder .*nowhere does not exist"):
        tiny.index(images="nowhere")


def test_an_unknown_convention_is_an_error_with_the_nearest_name(tiny):
    with pytest.raises(KDError, match="no convention 'coco18'.*coco17"):
        tiny.index(convention="coco18")


def test_a_changed_image_changes_the_table_s_hash(tiny):
    before, _ = tiny.index()
    (tiny.images / "b.png").write_bytes((tiny.images / "b.png").read_bytes() + b"tail")
    after, _ = tiny.index()
    assert after.crop_id.tolist() == before.crop_id.tolist()
    assert after.sha256 != before.sha256


def test_a_changed_joint_leaves_what_maps_depend_on(tiny):
    before, _ = tiny.index()
    tiny.value["annotations"][0]["keypoints"][0] += 1
    after, _ = tiny.index()
    assert after.sha256 == before.sha256
    assert after.labels_sha256 != before.labels_sha256


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PLACES = [("images", 1, key) for key in ("id", "file_name", "width", "height")]
PLACES += [
    ("annotations", 0, key)
    for key in ("id", "image_id", "bbox", "keypoints", "area", "iscrowd", "num_keypoints")
]
PLACES += [("images", 1), ("annotations", 0), ("categories",), ("categories", 0)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), value=json_values)
def test_no_value_anywhere_in_the_file_stops_the_good_samples(tiny, place, value):
    sound = copy.deepcopy(tiny.value)
    *path, last = place
    parent = tiny.value
    for step in path:
        parent = parent[step]
    parent[last] = value
    try:
        table, _ = tiny.index()
    finally:
        tiny.value = sound
    assert {5, 6} <= set(table.annotation_id.tolist()) or value in (5, 6)
