"""Pictures whose people have no labels, or whose labels are to be left out."""

import json

import pytest

from pipeline.datasets.crop_table import read_crop_table, write_crop_table
from pipeline.datasets.index import index_dataset, index_people
from pipeline.datasets.refusal import Reason
from pipeline.errors import KDError


def detection(image_id: int = 1, **changes) -> dict:
    return {"image_id": image_id, "category_id": 1, "bbox": [-3.5, 2, 30, 60], "score": 0.5} | changes


@pytest.fixture
def detected(tiny):
    """Indexes detections on the images that `tiny.value` lists."""

    def index(*detections, **changes):
        (tiny.root / "boxes.json").write_text(json.dumps(list(detections)))
        return tiny.index(format="images", boxes="boxes.json", **changes)

    return index


def test_detections_with_file_names_need_no_list_of_images(tiny):
    tiny.value = [detection(file_name="a.jpg", image_id=9), detection(file_name="b.png", image_id=4)]
    table, refused = tiny.index(format="images")
    assert table.image == ["a.jpg", "b.png"] and table.image_id.tolist() == [9, 4]
    assert not table.labelled.any() and not refused


def test_detections_without_file_names_are_one_error_that_says_what_to_add(tiny):
    tiny.value = [detection(), detection(2)]
    with pytest.raises(KDError) as error:
        tiny.index(format="images")
    message = str(error.value)
    assert "the 2 boxes of" in message and "people.json say their images by image_id alone" in message
    assert "Name the COCO file that lists the images" in message and "as its `boxes`" in message


def test_of_detections_with_and_without_a_file_name_only_the_latter_are_refused(tiny):
    tiny.value = [detection(file_name="a.jpg"), detection(2)]
    table, (refusal,) = tiny.index(format="images")
    assert table.image == ["a.jpg"]
    assert refusal.reason == Reason.MALFORMED and refusal.detail == "file_name is None, wanted a file name"


@pytest.mark.parametrize("key", ["annotations", "categories"])
def test_standard_detections_find_their_files_in_a_list_of_images(detected, tiny, key):
    """COCO's image_info files have no annotations; any other file with images does as well."""
    del tiny.value[key]
    table, refused = detected(detection(2), detection(1, score=0.25))
    assert table.image == ["a.jpg", "b.png"] and table.image_id.tolist() == [1, 2] and not refused
    assert table.bbox.tolist() == [[-3.5, 2, 30, 60]] * 2 and table.box_score.tolist() == [0.25, 0.5]
    assert not table.labelled.any() and not table.visibility.any()


def test_a_detection_on_an_image_that_is_not_listed_is_refused(detected):
    table, (refusal,) = detected(detection(1), detection(99))
    assert len(table) == 1 and refusal.reason == Reason.UNKNOWN_IMAGE


def test_an_image_of_another_size_than_listed_is_refused(detected, tiny):
    tiny.value["images"][0]["width"] = 640
    _, (refusal,) = detected(detection(1), detection(2))
    assert refusal.image == "a.jpg" and refusal.reason == Reason.IMAGE_SIZE


def test_a_list_of_images_without_boxes_says_what_to_add(tiny):
    del tiny.value["annotations"]
    with pytest.raises(
        KDError, match="a COCO list of 2 images, without annotations, so it has no boxes. Name"
    ):
        tiny.index(format="images")


def test_boxes_beside_detections_are_refused(tiny):
    tiny.value = [detection(file_name="a.jpg")]
    with pytest.raises(KDError, match="should be a COCO file that lists the images.* Remove `boxes`"):
        tiny.index(format="images", boxes="people.json")


def test_annotated_people_are_the_same_crops_without_their_labels(tiny):
    """So a labelled split and the same split without labels can share a teacher's answers."""
    labelled, _ = tiny.index()
    table, refused = tiny.index(format="images")
    assert table.sha256 == labelled.sha256 and not refused
    assert not table.labelled.any() and not table.visibility.any() and not table.keypoints.any()
    assert index_people("tiny", tiny.params(format="images"), tiny.root) is None


def test_people_without_labels_stay_and_crowds_go(tiny):
    tiny.value["annotations"] += [
        {"id": 8, "image_id": 2, "category_id": 1, "bbox": [1, 1, 20, 20]},
        tiny.person(9, 2, keypoints=[0] * 51),
        tiny.person(10, 2, iscrowd=1),
        tiny.person(11, 2, bbox=[0, 0, 0, 0]),
    ]
    table, refused = tiny.index(format="images")
    assert table.annotation_id.tolist() == [5, 6, 7, 8, 9]
    assert {refusal.annotation_id: refusal.reason for refusal in refused} == {
        10: Reason.CROWD,
        11: Reason.EMPTY_BOX,
    }


@pytest.mark.parametrize(
    ("categories", "people"),
    [
        ([{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}], [5, 6]),
        ([{"id": 18, "name": "Person"}], [7]),
        ([{"id": 18, "name": "athlete", "keypoints": ["nose"]}, {"id": 1, "name": "ball"}], [7]),
        ([{"id": 1, "name": "athlete"}], [5, 6]),
        ([], [5, 6]),
        ("none", [5, 6]),
    ],
)
def test_only_the_boxes_of_people_are_taken(tiny, categories, people):
    tiny.value["categories"] = categories
    tiny.value["annotations"][0]["category_id"] = 18
    table, refused = tiny.index(format="images")
    assert table.annotation_id.tolist() == people and not refused


def test_without_a_convention_a_table_has_no_joints_and_its_crops_are_the_same(tiny, tmp_path):
    named, _ = tiny.index(format="images")
    table, refused = tiny.index(format="images", convention=None)
    assert table.convention is None and table.num_joints == 0 and not refused
    assert table.sha256 == named.sha256 and table.labels_sha256 != named.labels_sha256
    write_crop_table(table, tmp_path / "crops")
    back = read_crop_table(tmp_path / "crops", table.images_root)
    assert back.convention is None and back.keypoints.shape == (3, 0, 2) and back.visibility.shape == (3, 0)
    assert (back.sha256, back.labels_sha256) == (table.sha256, table.labels_sha256)


def test_labels_in_another_convention_than_named_are_not_looked_at(tiny):
    table, _ = tiny.index(format="images", convention="mpii16")
    assert table.num_joints == 16 and len(table) == 3


@pytest.mark.realdata
def test_the_real_pack_s_target_is_the_same_people_with_and_without_labels(realdata, pack):
    labelled = pack["coco_tiny-train"]
    unlabelled = labelled.model_copy(update={"format": "images"})
    with_labels, _ = index_dataset("target", labelled, realdata)
    without, refused = index_dataset("target", unlabelled, realdata)
    assert without.sha256 == with_labels.sha256 and not without.labelled.any() and not refused


@pytest.mark.parametrize("zero", [0, "0"])
def test_a_file_without_categories_that_counts_from_0_calls_people_0(tiny, zero):
    del tiny.value["categories"]
    for annotation in tiny.value["annotations"]:
        annotation["category_id"] = zero
    tiny.value["annotations"][0]["category_id"] = 16
    table, refused = tiny.index(format="images")
    assert table.annotation_id.tolist() == [5, 6] and not refused
