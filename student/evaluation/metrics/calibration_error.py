"""Whether scores are probabilities: the reliability curve, and the expected calibration error.

Legend: N crops, K joints of the dataset, M labelled joints of all crops.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Bool, Float32

from pipeline.datasets.crop_table import CropTable
from student.evaluation.metrics.correctness import is_right
from student.evaluation.predictions import Predictions

BINS = 10


@dataclass(frozen=True)
class ScoreBin:
    """The joints whose score lies in [low, high); the last bin has score 1 too."""

    low: float
    high: float
    count: int
    score: float
    """Their mean score."""
    right: float
    """The share of them that is right: the mean score, were scores probabilities."""

    def rounded(self) -> dict[str, float]:
        """As reliability.json has it."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def reliability_curve(
    table: CropTable, ordered: Predictions, labelled_NK: Bool[np.ndarray, "n k"]
) -> tuple[ScoreBin, ...]:
    """Over the labelled joints that are predicted; `ordered` are predictions in the table's order."""
    counts_NK = labelled_NK & ordered.predicted
    right_NK = is_right(ordered.keypoints, table.keypoints, table.bbox)
    return binned(ordered.scores[counts_NK].clip(0.0, 1.0), right_NK[counts_NK])


def binned(score_M: Float32[np.ndarray, " m"], right_M: Bool[np.ndarray, " m"]) -> tuple[ScoreBin, ...]:
    """Bins of equal width over scores in 0..1, in rising order, without those that hold nothing."""
    bin_M = np.minimum((score_M * BINS).astype(int), BINS - 1)
    return tuple(
        ScoreBin(
            low=number / BINS,
            high=(number + 1) / BINS,
            count=int((bin_M == number).sum()),
            score=float(score_M[bin_M == number].mean(dtype=np.float64)),
            right=float(right_M[bin_M == number].mean()),
        )
        for number in np.unique(bin_M).tolist()
    )


def calibration_error(curve: Sequence[ScoreBin]) -> float | None:
    """ECE: the mean distance of score and share of right joints, bins weighted by their counts (Naeini et
    al., AAAI 2015; Guo et al., ICML 2017, equation 3). None without any label."""
    total = sum(found.count for found in curve)
    if not total:
        return None
    return sum(found.count * abs(found.score - found.right) for found in curve) / total
