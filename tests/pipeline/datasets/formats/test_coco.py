"""COCO-style files: who becomes a crop, and which mistakes in the file are reported."""

import pytest

from pipeline.conventions.registry import load_convention
from pipeline.datasets.index import index_people
from pipeline.datasets.refusal import Reason
from pipeline.errors import KDError


def test_rows_are_ordered_by_image_and_annotation_whatever_the_order_in_the_file(tiny):
    table, refused = tiny.index()
    assert (table.image, table.annotation_id.tolist()) == (["a.jpg", "a.jpg", "b.png"], [5, 6, 7])
    assert table.image_id.tolist() == [1, 1, 2]
    assert table.image_size.tolist() == [[64, 48]] * 3
    assert table.labelled.all() and not table.iscrowd.any() and not refused


def test_joints_and_flags_are_the_file_s_own(tiny):
    tiny.value["annotations"][1]["keypoints"][3:6] = [33.5, 21.25, 1]
    tiny.value["annotations"][1]["keypoints"][6:9] = [9, 9, 0]
    table, _ = tiny.index()
    assert table.keypoints[0, :3].tolist() == [[20, 10], [33.5, 21.25], [0, 0]]
    assert table.visibility[0, :4].tolist() == [2, 1, 0, 2]


def test_an_image_and_an_annotation_the_file_does_not_link_is_refused(tiny):
    tiny.value["annotations"][0]["image_id"] = 99
    table, (refusal,) = tiny.index()
    assert len(table) == 2
    assert (refusal.reason, refusal.annotation_id) == (Reason.UNKNOWN_IMAGE, 7)
    assert "99" in refusal.detail


def test_the_second_of_two_annotations_with_one_id_is_refused(tiny):
    tiny.value["annotations"].append(tiny.person(5, 2))
    table, (refusal,) = tiny.index()
    assert table.annotation_id.tolist() == [5, 6, 7]
    assert (refusal.reason, refusal.image, refusal.annotation_id) == (Reason.DUPLICATE, "b.png", 5)


def test_people_of_an_image_id_that_names_two_files_are_refused(tiny):
    tiny.value["images"].append({"id": 1, "file_name": "b.png", "width": 64, "height": 48})
    table, refused = tiny.index()
    assert table.annotation_id.tolist() == [7]
    assert [refusal.reason for refusal in refused] == [Reason.DUPLICATE] * 2


def test_an_image_listed_twice_alike_is_no_mistake(tiny):
    tiny.value["images"].append(dict(tiny.value["images"][0]))
    table, refused = tiny.index()
    assert len(table) == 3 and not refused


def test_a_crowd_with_labelled_joints_stays_and_is_flagged(tiny):
    tiny.value["annotations"][0]["iscrowd"] = 1
    table, refused = tiny.index()
    assert table.iscrowd.tolist() == [False, False, True] and not refused


def test_people_without_a_labelled_joint_are_refused_but_stay_in_the_ground_truth(tiny):
    tiny.value["annotations"][0] |= {"keypoints": [0] * 51, "num_keypoints": 0, "iscrowd": 1}
    table, (refusal,) = tiny.index()
    assert table.annotation_id.tolist() == [5, 6]
    assert refusal.reason == Reason.UNLABELLED
    people = index_people("tiny", tiny.params(), tiny.root)
    assert people.annotation_id.tolist() == [5, 6, 7]
    assert people.labelled.tolist() == [True, True, False]
    assert people.iscrowd.tolist() == [False, False, True]


def test_an_annotation_without_an_id_is_known_by_its_box(tiny):
    for person in tiny.value["annotations"]:
        del person["id"]
    tiny.value["annotations"][2]["bbox"] = [11, 5, 40, 30]
    table, refused = tiny.index()
    assert len(set(table.crop_id.tolist())) == 3 and not refused
    assert table.annotation_id.tolist() == [-1, -1, -1]


@pytest.mark.parametrize("entry", [None, 3, "person", [], {}])
def test_an_entry_that_is_no_person_is_refused_and_the_others_stay(tiny, entry):
    tiny.value["annotations"].append(entry)
    table, refused = tiny.index()
    assert len(table) == 3 and len(refused) == 1


@pytest.mark.parametrize("key", ["bbox", "keypoints"])
def test_an_annotation_without_its_parts_is_refused(tiny, key):
    del tiny.value["annotations"][0][key]
    table, (refusal,) = tiny.index()
    assert len(table) == 2
    assert (refusal.reason, refusal.detail) == (Reason.MALFORMED, f"it has no {key}")


def test_halpe_s_136_joints_give_the_26_of_the_body(tiny):
    tiny.value["annotations"] = [tiny.person(5, 1, num_joints=136)]
    tiny.value["annotations"][0]["keypoints"][78:] = [0] * 330
    table, _ = tiny.index(convention="halpe26")
    assert table.keypoints[0, 25].tolist() == [45, 35]


def test_other_files_with_too_many_joints_are_not_cut_short(tiny):
    tiny.value["annotations"] = [tiny.person(5, 1, num_joints=136)]
    with pytest.raises(KDError, match="408 numbers .136 joints., but coco17 has 17 joints"):
        tiny.index()


def test_human_art_s_second_set_of_joints_is_read_for_21(tiny):
    person = tiny.person(5, 1)
    person["keypoints_21"] = tiny.person(5, 1, num_joints=21)["keypoints"]
    tiny.value["annotations"] = [person]
    table, _ = tiny.index(convention="humanart21")
    assert table.keypoints.shape == (1, 21, 2)


def test_a_prefix_the_images_folder_does_not_have_is_stripped(tiny):
    for image in tiny.value["images"]:
        image["file_name"] = "HumanArt/images/" + image["file_name"]
    table, refused = tiny.index(strip_prefix="HumanArt/images/")
    assert table.image == ["a.jpg", "a.jpg", "b.png"] and not refused


def test_matlab_s_coordinates_are_counted_from_zero(tiny):
    plain, _ = tiny.index()
    matlab, _ = tiny.index(origin=1)
    assert (plain.keypoints - matlab.keypoints == 1).all()
    assert (plain.bbox - matlab.bbox == [1, 1, 0, 0]).all()


DOG = {"id": 18, "name": "dog", "keypoints": ["nose", "tail"]}


@pytest.mark.parametrize("dog_first", [False, True])
def test_a_dog_is_no_person_wherever_its_category_stands(tiny, dog_first):
    person = {"id": 1, "name": "person", "keypoints": list(load_convention("coco17").joints)}
    tiny.value["categories"] = [DOG, person] if dog_first else [person, DOG]
    tiny.value["annotations"][0]["category_id"] = 18
    table, (refusal,) = tiny.index()
    assert table.annotation_id.tolist() == [5, 6]
    assert (refusal.reason, refusal.detail) == (Reason.OTHER_CATEGORY, "category 18 (dog)")


def test_people_of_another_name_are_known_by_the_number_of_their_joints(tiny):
    joints = list(load_convention("coco17").joints)
    tiny.value["categories"] = [DOG, {"id": 1, "name": "athlete", "keypoints": joints}]
    tiny.value["annotations"][0]["category_id"] = 18
    assert tiny.index()[0].annotation_id.tolist() == [5, 6]


def test_numbers_written_as_text_are_numbers(tiny):
    plain, _ = tiny.index()
    for image in tiny.value["images"]:
        image |= {key: str(image[key]) for key in ("id", "width", "height")}
    for person in tiny.value["annotations"]:
        person |= {key: str(person[key]) for key in ("id", "image_id", "category_id", "iscrowd", "area")}
        person["bbox"] = list(map(str, person["bbox"]))
    table, refused = tiny.index()
    assert not refused and table.sha256 == plain.sha256 and table.area.tolist() == plain.area.tolist()
    assert not table.iscrowd.any()


@pytest.mark.parametrize(
    "changes",
    [
        {"iscrowd": "no"},
        {"iscrowd": 2},
        {"iscrowd": []},
        {"id": True},
        {"id": "7b"},
        {"id": 1.5},
        {"id": "7.0"},
        {"id": 2**63},
    ],
)
def test_what_could_mean_two_things_is_refused(tiny, changes):
    tiny.value["annotations"][0] |= changes
    table, (refusal,) = tiny.index()
    assert len(table) == 2 and refusal.reason == Reason.MALFORMED


def test_an_image_id_that_is_true_is_not_image_1(tiny):
    tiny.value["annotations"][0]["image_id"] = True
    assert tiny.index()[1][0].reason == Reason.UNKNOWN_IMAGE


def test_a_joint_that_is_not_labelled_may_lie_anywhere(tiny):
    tiny.value["annotations"][0]["keypoints"][:6] = [float("nan"), None, 0, 1e30, -1e30, 0]
    table, refused = tiny.index()
    assert not refused and table.visibility[2, :3].tolist() == [0, 0, 2]
    assert table.keypoints[2, :2].tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    "changes", [{"bbox": [10, 5, 1e30, 30]}, {"keypoints": [1e30, 10, 2] + [20, 10, 2] * 16}]
)
def test_a_place_that_no_picture_has_is_refused(tiny, changes):
    tiny.value["annotations"][0] |= changes
    assert tiny.index()[1][0].reason == Reason.NOT_FINITE
