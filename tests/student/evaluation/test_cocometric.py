"""Our numbers beside those of MMPose's own metrics, on the same predictions of real, labelled people."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.conventions.registry import load_convention
from pipeline.datasets.crop_table import CropTable
from pipeline.datasets.index import index_dataset, index_people
from pipeline.params import DatasetParams
from student.evaluation.metrics.pck import LIMB_JOINTS
from student.evaluation.predictions import Predictions
from student.evaluation.scores import evaluate_predictions

OURS_OF_MMPOSES = {
    "AP": "coco/AP",
    "AP50": "coco/AP .5",
    "AP75": "coco/AP .75",
    "AP_medium": "coco/AP (M)",
    "AP_large": "coco/AP (L)",
    "AR": "coco/AR",
    "AR50": "coco/AR .5",
    "AR75": "coco/AR .75",
    "AR_medium": "coco/AR (M)",
    "AR_large": "coco/AR (L)",
}


def coco_tiny(realdata: Path, split: str, annotations: Path | None = None) -> DatasetParams:
    return DatasetParams(
        format="coco",
        convention="coco17",
        images=str(realdata / "coco_tiny" / "images"),
        annotations=str(annotations or realdata / "coco_tiny" / "annotations" / f"{split}.json"),
    )


def jittered(table: CropTable, seed: int, by: float = 1.0) -> Predictions:
    """The labels, off by a normal error, relative to the person's size, that is small, large or hopeless."""
    rng = np.random.default_rng(seed)
    n, k = table.visibility.shape
    centre = (table.bbox[:, None, :2] + table.bbox[:, None, 2:] / 2).astype(np.float32)
    base = np.where(table.visibility[..., None] > 0, table.keypoints, centre)
    spread = np.sqrt(table.area)[:, None, None] * rng.choice([0.03, 0.08, 0.3], (n, 1, 1)) * by
    keypoints = (base + rng.normal(0, 1, (n, k, 2)) * spread).astype(np.float32)
    return Predictions(table.crop_id, keypoints, rng.random((n, k)).astype(np.float32), np.ones(k, bool))


def mmposes_coco_metric(
    table: CropTable, predictions: Predictions, annotations: Path, dataset: str, **settings
) -> dict[str, float]:
    from pipeline.teachers.adapters.mmpose.ext import install_mmcv_ext

    install_mmcv_ext()
    from mmpose.datasets.datasets.utils import parse_pose_metainfo
    from mmpose.evaluation.metrics import CocoMetric

    metric = CocoMetric(ann_file=str(annotations), score_mode="bbox_keypoint", nms_mode="none", **settings)
    metric.dataset_meta = parse_pose_metainfo({"from_file": f"configs/_base_/datasets/{dataset}.py"})
    corners = np.concatenate([table.bbox[:, :2], table.bbox[:, :2] + table.bbox[:, 2:]], axis=1)
    samples = [
        {
            "id": row,
            "img_id": int(table.image_id[row]),
            "category_id": 1,
            "pred_instances": {
                "keypoints": predictions.keypoints[row : row + 1],
                "keypoint_scores": predictions.scores[row : row + 1],
                "bboxes": corners[row : row + 1],
            },
            "gt_instances": {"bbox_scores": table.box_score[row : row + 1]},
        }
        for row in range(len(table))
        if table.labelled[row] and not table.iscrowd[row]
    ]
    metric.process([], samples)
    return metric.evaluate(len(samples))


@pytest.mark.mm
@pytest.mark.realdata
@pytest.mark.parametrize("seed", range(3))
def test_ap_and_ar_equal_cocometrics_on_coco(realdata, tmp_path, seed):
    params = coco_tiny(realdata, "val")
    table, _ = index_dataset("val", params, tmp_path)
    predictions = jittered(table, seed)
    expected = mmposes_coco_metric(table, predictions, Path(params.annotations), "coco")
    ours = evaluate_predictions(
        table, load_convention("coco17"), predictions, index_people("val", params, tmp_path)
    )
    assert 0.1 < ours.oks["AP"] < 0.9
    assert {OURS_OF_MMPOSES[name]: value for name, value in ours.oks.items()} == pytest.approx(expected)


@pytest.mark.mm
@pytest.mark.realdata
def test_ap_equals_cocometrics_where_crowds_and_unlabelled_people_are_to_be_ignored(realdata, tmp_path):
    """A fifth of the people is made a crowd, a fifth loses its labels, and some answers are put right on the
    latter: such an answer is ignored, not false.
    """
    annotations = json.loads((realdata / "coco_tiny" / "annotations" / "val.json").read_text())
    for number, person in enumerate(annotations["annotations"]):
        if number % 5 == 1:
            person["iscrowd"] = 1
        if number % 5 == 3:
            person["keypoints"], person["num_keypoints"] = [0] * 51, 0
    path = tmp_path / "crowded.json"
    path.write_text(json.dumps(annotations))
    params = coco_tiny(realdata, "val", path)
    table, _ = index_dataset("val", params, tmp_path)
    people = index_people("val", params, tmp_path)
    assert len(people) > len(table)
    predictions = jittered(table, 0)
    astray = put_on_the_unlabelled(predictions, table, people)
    assert astray > 5
    expected = mmposes_coco_metric(table, predictions, path, "coco")
    ours = evaluate_predictions(table, load_convention("coco17"), predictions, people)
    assert {OURS_OF_MMPOSES[name]: value for name, value in ours.oks.items()} == pytest.approx(expected)
    naive = evaluate_predictions(table, load_convention("coco17"), predictions)
    assert naive.oks["AP"] < ours.oks["AP"]


def put_on_the_unlabelled(predictions: Predictions, table: CropTable, people: CropTable) -> int:
    """Move one answer of each image with an unlabelled person into that person's box; returns how many."""
    moved = 0
    for row in np.flatnonzero(~people.labelled):
        neighbours = np.flatnonzero((table.image_id == people.image_id[row]) & ~table.iscrowd)
        if neighbours.size:
            predictions.keypoints[neighbours[0]] = people.bbox[row, :2] + people.bbox[row, 2:] / 2
            moved += 1
    return moved


@pytest.mark.mm
@pytest.mark.realdata
def test_ap_equals_cocometrics_with_aics_own_sigmas_and_without_areas(realdata, tmp_path):
    folder = realdata / "samples" / "aic"
    path = folder / "test_aic.json"
    params = DatasetParams(format="coco", convention="aic14", images=str(folder), annotations=str(path))
    table, _ = index_dataset("aic", params, tmp_path)
    predictions = jittered(table, 1, by=0.5)
    expected = mmposes_coco_metric(table, predictions, path, "aic", use_area=False)
    ours = evaluate_predictions(
        table, load_convention("aic14"), predictions, index_people("aic", params, tmp_path)
    )
    assert ours.oks["AP"] > 0.1
    measured = {OURS_OF_MMPOSES[name] for name in ours.oks}
    assert {name: value for name, value in expected.items() if name not in measured} == {
        "coco/AP (M)": -1,
        "coco/AR (M)": -1,
    }
    assert {OURS_OF_MMPOSES[name]: value for name, value in ours.oks.items()} == pytest.approx(
        {name: expected[name] for name in measured}
    )


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("dataset", "split", "joints"),
    [("lspet", "val", 2900), ("coco_tiny", "train", 778), ("coco_tiny", "val", 712)],
)
def test_the_torso_and_limb_joints_are_those_of_the_packs_readme(realdata, tmp_path, dataset, split, joints):
    """The pack states how many joints its PCK is over: limb joints of people with a full torso diagonal."""
    folder = realdata / dataset
    convention = {"lspet": "lsp14", "coco_tiny": "coco17"}[dataset]
    params = DatasetParams(
        format="coco",
        convention=convention,
        images=str(folder / "images"),
        annotations=str(folder / "annotations" / f"{split}.json"),
    )
    table, _ = index_dataset(dataset, params, tmp_path)
    share = evaluate_predictions(table, load_convention(convention), jittered(table, 0)).torso
    limbs = [share.joints.index(joint) for joint in LIMB_JOINTS]
    assert share.counted[limbs].sum() == joints
