"""PoseTrack18's files."""

import json

import pytest

from pipeline.errors import KDError


def test_a_folder_of_videos_is_read_as_one_dataset(tiny):
    videos = tiny.root / "val"
    videos.mkdir()
    for image in tiny.value["images"]:
        people = [person for person in tiny.value["annotations"] if person["image_id"] == image["id"]]
        video = {"images": [image], "annotations": people}
        (videos / f"{image['id']}.json").write_text(json.dumps(video))
    params = {"format": "posetrack18", "convention": "posetrack18"}
    joint, _ = tiny.index(**params)
    split, _ = tiny.index(**params, annotations="val")
    assert split.labels_sha256 == joint.labels_sha256


def test_a_labelled_joint_counts_as_visible_since_the_flag_says_no_more(tiny):
    tiny.value["annotations"][1]["keypoints"][2::3] = [1] * 17
    assert tiny.index(convention="coco17")[0].visibility[0].tolist() == [1] * 17
    assert tiny.index(convention="posetrack18", format="posetrack18")[0].visibility[0].tolist() == [2] * 17


def test_an_empty_folder_is_refused(tiny):
    (tiny.root / "val").mkdir()
    with pytest.raises(KDError, match="holds no .json file"):
        tiny.index(format="posetrack18", annotations="val")


def test_a_wrong_file_among_the_videos_is_named(tiny):
    (tiny.root / "val").mkdir()
    (tiny.root / "val" / "odd.json").write_text("[]")
    with pytest.raises(KDError, match="odd.json looks like an empty list"):
        tiny.index(format="posetrack18", annotations="val")


@pytest.mark.parametrize("annotations", [3, {"a": 1}, "none"])
def test_a_video_whose_annotations_are_no_list_is_named(tiny, annotations):
    (tiny.root / "val").mkdir()
    (tiny.root / "val" / "odd.json").write_text(json.dumps({"images": [], "annotations": annotations}))
    with pytest.raises(KDError, match="odd.json looks like .*, but COCO-style keypoints"):
        tiny.index(format="posetrack18", annotations="val")
