"""Boxes, joints, areas and the choice of people, against the installed mmpose's own datasets."""

import numpy as np
import pytest

from pipeline.datasets.index import index_dataset

pytestmark = [
    pytest.mark.mm,
    pytest.mark.realdata,
    pytest.mark.filterwarnings("ignore:The metainfo config file"),
]

DATASETS = {
    "coco_tiny-train": "CocoDataset",
    "coco_tiny-val": "CocoDataset",
    "mpii": "MpiiDataset",
    "aic": "AicDataset",
    "crowdpose": "CrowdPoseDataset",
    "jhmdb": "JhmdbDataset",
    "ochuman": "OCHumanDataset",
    "posetrack18": "PoseTrack18Dataset",
    "halpe": "HalpeDataset",
    "humanart17": "HumanArtDataset",
    "humanart21": "HumanArt21Dataset",
}


def mmpose_people(class_name: str, params, root, **options) -> list[dict]:
    """What MMPose's dataset class makes of the same files, before its pipeline."""
    from pipeline.teachers.adapters.mmpose.ext import install_mmcv_ext

    install_mmcv_ext()
    import mmpose.datasets.datasets as datasets

    dataset = getattr(datasets, class_name)(
        ann_file=str(root / params.annotations),
        data_prefix={"img": str(root / params.images)},
        serialize_data=False,
        **options,
    )
    return dataset.load_data_list()


def xyxy(bbox_xywh):
    return np.concatenate([bbox_xywh[:, :2], bbox_xywh[:, :2] + bbox_xywh[:, 2:]], axis=1)


def labelled_joints(people: list[dict], joints: int):
    """Keypoints and flags of MMPose's people, its unlabelled joints moved to 0, 0 as ours are."""
    keypoints = np.stack([person["keypoints"][0, :joints] for person in people])
    flags = np.stack([person["keypoints_visible"][0, :joints] for person in people]) > 0
    return np.where(flags[..., None], keypoints, 0), flags


@pytest.mark.parametrize("name", DATASETS)
def test_people_boxes_joints_and_areas_are_mmpose_s(realdata, pack, name):
    table, _ = index_dataset(name, pack[name], realdata)
    people = mmpose_people(DATASETS[name], pack[name], realdata)
    by_id = {person["id"]: person for person in people}
    assert sorted(by_id) == sorted(table.annotation_id.tolist())

    ordered = [by_id[annotation_id] for annotation_id in table.annotation_id.tolist()]
    assert table.image_id.tolist() == [person["img_id"] for person in ordered]
    np.testing.assert_allclose(xyxy(table.bbox), np.concatenate([p["bbox"] for p in ordered]), atol=1e-3)
    keypoints, flags = labelled_joints(ordered, table.num_joints)
    np.testing.assert_allclose(table.keypoints, keypoints, atol=1e-4)
    np.testing.assert_array_equal(table.visibility > 0, flags)
    if name != "humanart21":  # MMPose's class keeps no area there
        np.testing.assert_allclose(table.area, [float(np.squeeze(p["area"])) for p in ordered], rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "boxes"),
    [
        ("crowdpose", "samples/crowdpose/test_crowdpose_det_AP_40.json"),
        ("posetrack18", "samples/posetrack18/annotations/test_posetrack18_human_detections.json"),
        ("humanart17", "samples/humanart/test_humanart_det_AP_H_56.json"),
    ],
)
def test_detected_people_are_mmpose_s(realdata, pack, name, boxes):
    params = pack[name].model_copy(update={"boxes": boxes})
    table, _ = index_dataset(name, params, realdata)
    people = mmpose_people(
        DATASETS[name], pack[name], realdata, bbox_file=str(realdata / boxes), test_mode=True
    )

    def rows(image_ids, boxes_xyxy, scores):
        return sorted(
            zip(image_ids, np.round(boxes_xyxy, 2).tolist(), np.round(scores, 5).tolist(), strict=True)
        )

    theirs = rows(
        [person["img_id"] for person in people],
        np.concatenate([person["bbox"] for person in people]).astype(np.float64),
        np.concatenate([person["bbox_score"] for person in people]).astype(np.float64),
    )
    ours = rows(table.image_id.tolist(), xyxy(table.bbox), table.box_score.astype(np.float64))
    assert len(ours) == len(theirs)
    for mine, their in zip(ours, theirs, strict=True):
        assert mine[0] == their[0]
        np.testing.assert_allclose(mine[1], their[1], atol=0.02)
        np.testing.assert_allclose(mine[2], their[2], atol=1e-4)
