"""How often each teacher is right, per dataset and joint, from counts of labels.

Legend: N crops of a split, U union joints, T teachers, D datasets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32

from student.evaluation.metrics.correctness import is_right

PRIOR_LABELS = 10.0
"""How many labels the wider average counts for, where a joint has few of its own."""


@dataclass(frozen=True)
class Tally:
    """Of one teacher on one dataset, per union joint: labels it could be measured on, and how many it met."""

    met_U: Float[np.ndarray, " u"]
    labels_U: Float[np.ndarray, " u"]


def tally(
    keypoint_NU2: Float32[np.ndarray, "n u 2"],
    label_NU2: Float32[np.ndarray, "n u 2"],
    counts_NU: Bool[np.ndarray, "n u"],
    box_N4: Float[np.ndarray, "n 4"],
) -> Tally:
    """Keypoints and labels are image pixels, boxes x, y, width, height. `counts_NU`: labelled, answered."""
    met_NU = counts_NU & is_right(keypoint_NU2, label_NU2, box_N4)
    return Tally(met_NU.sum(0).astype(np.float64), counts_NU.sum(0).astype(np.float64))


def reliability_table(tallies: Sequence[Sequence[Tally]]) -> Float[np.ndarray, "t d u"]:
    """The share of right answers by teacher, dataset and joint, from `tallies[teacher][dataset]`.

    Where a dataset labels a joint rarely or never, its share leans on wider ones by `PRIOR_LABELS`: on the
    teacher's share for this joint over all datasets times how the teacher does on this dataset relative to
    all; and those on the teacher's overall share; and that on one half.
    """
    met_TDU = np.stack([[tally.met_U for tally in row] for row in tallies])
    labels_TDU = np.stack([[tally.labels_U for tally in row] for row in tallies])
    whole_T11 = _leaning(met_TDU, labels_TDU, (1, 2), np.full((1, 1, 1), 0.5))
    joint_T1U = _leaning(met_TDU, labels_TDU, (1,), whole_T11)
    dataset_TD1 = _leaning(met_TDU, labels_TDU, (2,), whole_T11)
    return _leaning(met_TDU, labels_TDU, (), np.clip(joint_T1U * dataset_TD1 / whole_T11, 0.0, 1.0))


def _leaning(
    met_TDU: np.ndarray, labels_TDU: np.ndarray, over: tuple[int, ...], prior: np.ndarray
) -> np.ndarray:
    """Shares over some axes together, as if `PRIOR_LABELS` more labels had been met at the prior's rate."""
    met, labels = (values.sum(over, keepdims=True) for values in (met_TDU, labels_TDU))
    return (met + PRIOR_LABELS * prior) / (labels + PRIOR_LABELS)
