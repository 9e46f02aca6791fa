"""PCK: the share of joints that lie within a fraction of a body length of their label."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from pipeline.conventions.convention import Convention

TORSO_THRESHOLD = 0.2
HEAD_THRESHOLD = 0.5
TORSO_DIAGONALS = (("left_shoulder", "right_hip"), ("right_shoulder", "left_hip"))
LIMB_JOINTS = tuple(
    f"{side}_{joint}"
    for joint in ("ankle", "knee", "hip", "wrist", "elbow", "shoulder")
    for side in ("left", "right")
)


@dataclass(frozen=True)
class Pck:
    """Counts per joint over the persons that have the body length."""

    joints: tuple[str, ...]
    correct: Int64[np.ndarray, "k"]
    counted: Int64[np.ndarray, "k"]
    """Labelled and predicted."""
    persons_skipped: int
    """Persons with labels, but without the body length that normalises."""

    def of_joint(self, joint: str) -> float | None:
        """Fraction of this joint's labels that are met; None where there are none or it is not predicted."""
        return self.over([joint])

    def over(self, joints: Iterable[str]) -> float | None:
        """Fraction over all labels of `joints` together: a joint labelled twice as often weighs twice."""
        chosen = [self.joints.index(joint) for joint in joints if joint in self.joints]
        counted = int(self.counted[chosen].sum())
        return int(self.correct[chosen].sum()) / counted if counted else None


def pck(
    predicted_NK2: Float32[np.ndarray, "n k 2"],
    labelled_NK2: Float32[np.ndarray, "n k 2"],
    counts_NK: Bool[np.ndarray, "n k"],
    length_N: Float64[np.ndarray, "n"],
    threshold: float,
    joints: tuple[str, ...],
) -> Pck:
    """Joints nearer to their label than `threshold` times the person's `length_N`.

    `counts_NK`: labelled and predicted. A person whose length is NaN is skipped, and counted as such.
    "Nearer than", not "at most as far as": as `keypoint_pck_accuracy` of mmpose.evaluation.functional.
    """
    has_length_N = np.isfinite(length_N)
    counts_kept_NK = counts_NK & has_length_N[:, None]
    distance_NK = np.linalg.norm(predicted_NK2.astype(np.float64) - labelled_NK2, axis=2)
    with np.errstate(invalid="ignore"):  # NaN, of a joint that is not predicted or a person that is skipped
        near_NK = distance_NK < threshold * length_N[:, None]
    skipped = int((counts_NK.any(axis=1) & ~has_length_N).sum())
    return Pck(joints, (near_NK & counts_kept_NK).sum(axis=0), counts_kept_NK.sum(axis=0), skipped)


def torso_lengths(
    convention: Convention,
    keypoints_NK2: Float32[np.ndarray, "n k 2"],
    labelled_NK: Bool[np.ndarray, "n k"],
) -> Float64[np.ndarray, "n"] | None:
    """The longer of the two shoulder-to-opposite-hip diagonals of each person, in pixels.

    NaN where neither diagonal has both ends labelled, or has a length; None where the convention has none.
    """
    return _longest(convention, TORSO_DIAGONALS, keypoints_NK2, labelled_NK)


def head_lengths(
    convention: Convention,
    keypoints_NK2: Float32[np.ndarray, "n k 2"],
    labelled_NK: Bool[np.ndarray, "n k"],
) -> Float64[np.ndarray, "n"] | None:
    """The convention's head segment of each person, in pixels; NaN where an end is not labelled.

    None where the convention names no segment. MPII's official PCKh takes 0.6 of the diagonal of a head box,
    which keypoint annotations do not carry, and MMPose's adds a pixel to predictions besides: numbers by this
    length are near theirs, not equal to them.
    """
    segments = (convention.head_segment,) if convention.head_segment else ()
    return _longest(convention, segments, keypoints_NK2, labelled_NK)


def _longest(
    convention: Convention,
    segments: tuple[tuple[str, str], ...],
    keypoints_NK2: Float32[np.ndarray, "n k 2"],
    labelled_NK: Bool[np.ndarray, "n k"],
) -> Float64[np.ndarray, "n"] | None:
    known = [(a, b) for a, b in segments if a in convention.joints and b in convention.joints]
    if not known:
        return None
    length_NS = np.stack(
        [_segment(convention.index(a), convention.index(b), keypoints_NK2, labelled_NK) for a, b in known],
        axis=1,
    )
    length_N = length_NS.max(axis=1)
    return np.where(length_N > 0, length_N, np.nan)


def _segment(
    a: int, b: int, keypoints_NK2: Float32[np.ndarray, "n k 2"], labelled_NK: Bool[np.ndarray, "n k"]
) -> Float64[np.ndarray, "n"]:
    """Distance of two joints, 0 where one of them is not labelled."""
    length_N = np.linalg.norm(keypoints_NK2[:, a].astype(np.float64) - keypoints_NK2[:, b], axis=1)
    return np.where(labelled_NK[:, a] & labelled_NK[:, b], length_N, 0.0)
