"""Which people are drawn: by a rule, so that none are hand-picked."""

import numpy as np
from jaxtyping import Float64, Int64

from pipeline.datasets.crop_table import CropTable
from student.evaluation.predictions import Predictions


def mean_errors(table: CropTable, ordered: Predictions) -> Float64[np.ndarray, "n"]:
    """Mean distance of each person's joints to their labels, as a fraction of the box's diagonal.

    Over the joints that are labelled and predicted; NaN where there are none, and for crowds. `ordered` are
    predictions in the table's order.
    """
    if not table.labelled.any():
        return np.full(len(table), np.nan)
    counts_NK = (table.visibility > 0) & ordered.predicted & ~table.iscrowd[:, None]
    distance_NK = np.linalg.norm(ordered.keypoints.astype(np.float64) - table.keypoints, axis=2)
    labels_N = counts_NK.sum(axis=1)
    mean_N = np.where(counts_NK, distance_NK, 0.0).sum(axis=1) / np.maximum(labels_N, 1)
    return np.where(labels_N > 0, mean_N / np.hypot(table.bbox[:, 2], table.bbox[:, 3]), np.nan)


def spread_over_errors(error_N: Float64[np.ndarray, "n"], people: int) -> Int64[np.ndarray, "p"]:
    """Rows of the people at the quantiles 1/2p, 3/2p, 5/2p ... of the error, the smallest error first.

    Fewer where there are not so many with an error; rows spread evenly over all where no person has one.
    """
    ranked = np.argsort(error_N, kind="stable")[: np.isfinite(error_N).sum()]
    if not ranked.size:
        ranked = np.arange(len(error_N))
    chosen = min(people, len(ranked))
    return ranked[((np.arange(chosen) + 0.5) / max(chosen, 1) * len(ranked)).astype(np.int64)]
