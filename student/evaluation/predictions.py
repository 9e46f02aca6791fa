"""One model's predictions for one dataset, and the COCO results JSON they are kept in."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from pipeline.datasets.crop_table import CropTable
from pipeline.errors import KDError
from pipeline.files.atomic import write_atomically

PERSON_CATEGORY = 1
JOINT_SCORE_THRESHOLD = 0.2
"""Joints scored lower do not enter a person's score: `keypoint_score_thr` of MMPose's CocoMetric."""


@dataclass(frozen=True)
class Predictions:
    """Joints of every crop in the dataset's own convention, a row per crop.

    `keypoints` are image pixels; at a joint that the model does not predict they are NaN and `scores` is 0.

    Raises:
        KDError: a predicted joint or its score is not finite. (COCOeval would count NaN as a perfect match.)
    """

    crop_id: Int64[np.ndarray, "n"]
    keypoints: Float32[np.ndarray, "n k 2"]
    scores: Float32[np.ndarray, "n k"]
    predicted: Bool[np.ndarray, "k"]

    def __post_init__(self) -> None:
        finite_NK = np.isfinite(self.keypoints).all(axis=2) & np.isfinite(self.scores)
        broken = int((~finite_NK[:, self.predicted]).any(axis=1).sum())
        if broken:
            raise KDError(
                f"the predictions for {broken} of {len(self.crop_id)} crops hold NaN or infinite joints, but "
                "finite ones were wanted. The model has diverged or its weights are damaged: train it, or "
                "extract its cells, again."
            )

    def in_order_of(self, table: CropTable) -> "Predictions":
        """These predictions with row i for crop i of `table`.

        Raises:
            KDError: the crops are not exactly the table's.
        """
        row_of = {int(crop): row for row, crop in enumerate(self.crop_id)}
        missing = [int(crop) for crop in table.crop_id if int(crop) not in row_of]
        if missing or len(self.crop_id) != len(table.crop_id):
            raise KDError(
                f"the predictions are of {len(self.crop_id)} crops, the crop table of {table.dataset} has "
                f"{len(table)}, and {len(missing)} of those have no prediction. They belong to another crop "
                "table: predict again for this one."
            )
        rows = np.array([row_of[int(crop)] for crop in table.crop_id], dtype=np.int64)
        return Predictions(self.crop_id[rows], self.keypoints[rows], self.scores[rows], self.predicted)


def person_scores(
    predictions: Predictions, box_score_N: Float32[np.ndarray, "n"]
) -> Float64[np.ndarray, "n"]:
    """Box score times the mean of the joint scores above 0.2, as MMPose's CocoMetric (`bbox_keypoint`)."""
    scores_NK = predictions.scores.astype(np.float64)
    counted_NK = (scores_NK > JOINT_SCORE_THRESHOLD) & predictions.predicted
    mean_N = (scores_NK * counted_NK).sum(axis=1) / np.maximum(counted_NK.sum(axis=1), 1)
    return mean_N * box_score_N.astype(np.float64)


def to_coco_results(predictions: Predictions, table: CropTable) -> list[dict[str, Any]]:
    """COCO results records, a crop each, in the table's order, with its `bbox` and `crop_id` besides.

    A joint that is not predicted is `0, 0, 0`, which is how COCO writes "no joint here".
    """
    ordered = predictions.in_order_of(table)
    triplets_NK3 = np.concatenate([ordered.keypoints, ordered.scores[..., None]], axis=2)
    triplets_NK3[:, ~ordered.predicted] = 0.0
    person_N = person_scores(ordered, table.box_score)
    return [
        {
            "image_id": int(table.image_id[row]),
            "category_id": PERSON_CATEGORY,
            "keypoints": _shortest_decimals(triplets_NK3[row].ravel()),
            "score": float(person_N[row]),
            "bbox": [float(side) for side in table.bbox[row]],
            "crop_id": int(table.crop_id[row]),
        }
        for row in range(len(table.crop_id))
    ]


def _shortest_decimals(values: Float32[np.ndarray, "m"]) -> list[float]:
    """The shortest decimals that read back as the same float32: 45.49, not 45.4900016784668."""
    return [float(text) for text in values.astype(str)]


def write_predictions(path: Path, predictions: Predictions, table: CropTable) -> Path:
    """Write COCO results JSON that any COCO tool reads; whole or not at all."""
    return write_atomically(path, json.dumps(to_coco_results(predictions, table)) + "\n")


def read_predictions(path: Path) -> Predictions:
    """Predictions as `write_predictions` left them.

    A joint that is `0, 0, 0` in every record is one the model does not predict.

    Raises:
        KDError: not readable, not COCO keypoint results, or without `crop_id`.
    """
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
        crop_id_N = np.array([record["crop_id"] for record in records], dtype=np.int64)
        flat = np.array([record["keypoints"] for record in records], dtype=np.float32)
        triplets_NK3 = flat.reshape(len(records), flat.shape[1] // 3, 3)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise KDError(
            f"{path} cannot be read as predictions ({type(error).__name__}: {error}). Wanted: a non-empty "
            "list of COCO keypoint results, each with a crop_id. Write it again: kd-pipeline evaluate"
        ) from None
    return _from_triplets(crop_id_N, triplets_NK3)


def _from_triplets(
    crop_id_N: Int64[np.ndarray, "n"], triplets_NK3: Float32[np.ndarray, "n k 3"]
) -> Predictions:
    predicted_K = (triplets_NK3 != 0).any(axis=(0, 2))
    keypoints_NK2 = np.where(predicted_K[:, None], triplets_NK3[..., :2], np.float32(np.nan))
    return Predictions(crop_id_N, keypoints_NK2, triplets_NK3[..., 2], predicted_K)
