"""Average precision and recall at object keypoint similarity, by pycocotools' own COCOeval."""

import contextlib
import io
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from pipeline.conventions.convention import Convention
from pipeline.datasets.annotations import NO_ANNOTATION
from pipeline.datasets.crop_table import CropTable
from student.evaluation.predictions import PERSON_CATEGORY, Predictions, person_scores

STATISTICS = ("AP", "AP50", "AP75", "AP_medium", "AP_large", "AR", "AR50", "AR75", "AR_medium", "AR_large")
"""COCOeval's ten keypoint statistics, in its order."""


def average_precision(
    people: CropTable, convention: Convention, table: CropTable, predictions: Predictions
) -> dict[str, float]:
    """COCO's AP and AR (0 to 1) with the convention's own sigmas, over the joints the model predicts.

    The protocol is COCO's: ten OKS thresholds, 20 detections an image, the annotated area; crowds and people
    without a label are ignored, and so are detections that fall on them. Joints that are not predicted are
    taken out of labels, predictions and sigmas alike, so a number with joints left out is not comparable with
    one without. Equals MMPose's CocoMetric on the same boxes with `nms_mode='none'`; of CrowdPose's own rules
    (ignore people of whom nothing is visible, separate easy from hard images) none is applied.

    Args:
        people: everyone annotated in the split's images, crowds and the unlabelled too.
        table: the crops that were predicted, annotated people or detections.
        predictions: of `table`'s crops, in `convention`.

    Returns:
        By name; a statistic without any person (no medium ones, say) is absent.

    Raises:
        KDError: the predictions are not of this table's crops.
    """
    ordered = predictions.in_order_of(table)
    joints_P = np.flatnonzero(ordered.predicted)
    detections = _detections(table, ordered, joints_P)
    if not detections or not joints_P.size:
        return {}
    with contextlib.redirect_stdout(io.StringIO()):
        truth = _ground_truth(people, {*people.image_id.tolist(), *table.image_id.tolist()}, joints_P)
        evaluation = COCOeval(truth, truth.loadRes(detections), "keypoints")
        evaluation.params.kpt_oks_sigmas = np.array(convention.sigmas)[joints_P]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    # COCOeval's -1 says "no such person"
    return {
        name: float(value) for name, value in zip(STATISTICS, evaluation.stats, strict=True) if value >= 0
    }


def _ground_truth(people: CropTable, images: set[int], joints_P: Int64[np.ndarray, "p"]) -> COCO:
    labels_NP3 = np.concatenate([people.keypoints, people.visibility[..., None]], axis=2)[:, joints_P]
    truth = COCO()
    truth.dataset = {
        "images": [{"id": image} for image in sorted(images)],
        "categories": [{"id": PERSON_CATEGORY, "name": "person"}],
        "annotations": [_annotation(people, row, labels_P3) for row, labels_P3 in enumerate(labels_NP3)],
    }
    truth.createIndex()
    return truth


def _annotation(people: CropTable, row: int, labels_P3: Float32[np.ndarray, "p 3"]) -> dict[str, Any]:
    return {
        "id": row + 1,  # COCOeval takes a match with id 0 for none, and MPII's ids start there
        "image_id": int(people.image_id[row]),
        "category_id": PERSON_CATEGORY,
        "keypoints": labels_P3.ravel().tolist(),
        "num_keypoints": int((labels_P3[:, 2] > 0).sum()),
        "bbox": people.bbox[row].tolist(),
        "area": float(people.area[row]),
        "iscrowd": int(people.iscrowd[row]),
    }


def _detections(
    table: CropTable, ordered: Predictions, joints_P: Int64[np.ndarray, "p"]
) -> list[dict[str, Any]]:
    """Those MMPose tests on: labelled people and detections, no crowds. By crop id: it breaks ties."""
    score_N = person_scores(ordered, table.box_score)
    tested_N = (table.labelled | (table.annotation_id == NO_ANNOTATION)) & ~table.iscrowd
    triplets_NP3 = np.concatenate([ordered.keypoints, ordered.scores[..., None]], axis=2)[:, joints_P]
    return [
        {
            "image_id": int(table.image_id[row]),
            "category_id": PERSON_CATEGORY,
            "keypoints": triplets_NP3[row].ravel().tolist(),
            "score": float(score_N[row]),
            "bbox": table.bbox[row].tolist(),
        }
        for row in np.argsort(table.crop_id)
        if tested_N[row]
    ]
