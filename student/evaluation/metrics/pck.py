"""PCK: the share of joints that lie within a fraction of a body length of their label."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, UInt8

from pipeline.conventions.convention import Convention

TORSO_THRESHOLD = 0.2
HEAD_THRESHOLD = 0.5
TORSO_DIAGONALS = (("left_shoulder", "right_hip"), ("right_shoulder", "left_hip"))
LIMB_JOINTS = tuple(
    f"{side}_{joint}"
    for joint in ("ankle", "knee", "hip", "wrist", "elbow", "shoulder")
    for side in ("left", "right")
)
NO_LABEL, NOT_PREDICTED, MISSED, MET = range(4)
"""Verdicts on a joint of a person. `NO_LABEL` too where the person lacks the body length."""


@dataclass(frozen=True, eq=False)
class Pck:
    """Verdicts on every joint of every person of a dataset; counts are over the persons."""

    joints: tuple[str, ...]
    verdict_NK: UInt8[np.ndarray, "n k"]
    persons_skipped: int
    """Persons with labels, but without the body length that normalises."""
    body_joints: tuple[str, ...] = ()
    """The same joints by what they are (`Convention.body_joints`)."""

    @cached_property
    def correct(self) -> Int64[np.ndarray, "k"]:
        return (self.verdict_NK == MET).sum(axis=0)

    @cached_property
    def counted(self) -> Int64[np.ndarray, "k"]:
        """Labelled and predicted."""
        return (self.verdict_NK >= MISSED).sum(axis=0)

    def of_joint(self, joint: str) -> float | None:
        """Fraction of this joint's labels that are met; None where there are none or it is not predicted."""
        return self.over([joint])

    def over(self, joints: Iterable[str]) -> float | None:
        """Fraction over all labels of `joints` together: a joint labelled twice as often weighs twice."""
        chosen = columns_of(joints, self.joints, self.body_joints)
        counted = int(self.counted[chosen].sum())
        return int(self.correct[chosen].sum()) / counted if counted else None


def columns_of(wanted: Iterable[str], joints: Sequence[str], body_joints: Sequence[str]) -> list[int]:
    """Places among `joints` of those that go by one of the names, their own or `body_joints`'."""
    names = [*joints, *body_joints]
    return [names.index(name) % len(joints) for name in dict.fromkeys(wanted) if name in names]


def pck(
    predicted_NK2: Float32[np.ndarray, "n k 2"],
    labels_NK2: Float32[np.ndarray, "n k 2"],
    labelled_NK: Bool[np.ndarray, "n k"],
    length_N: Float64[np.ndarray, "n"],
    threshold: float,
    joints: tuple[str, ...],
    body_joints: tuple[str, ...] = (),
) -> Pck:
    """Joints nearer to their label than `threshold` times the person's `length_N`.

    A joint that is NaN is not predicted. A person whose length is NaN is skipped, and counted as such.
    "Nearer than", not "at most as far as": as `keypoint_pck_accuracy` of mmpose.evaluation.functional.
    """
    has_length_N = np.isfinite(length_N)
    predicted_NK = np.isfinite(predicted_NK2).all(axis=2)
    distance_NK = np.linalg.norm(predicted_NK2.astype(np.float64) - labels_NK2, axis=2)
    with np.errstate(invalid="ignore"):  # NaN, of a joint that is not predicted or a person that is skipped
        near_NK = distance_NK < threshold * length_N[:, None]
    verdict_NK = np.select(
        [~labelled_NK | ~has_length_N[:, None], ~predicted_NK, ~near_NK],
        [NO_LABEL, NOT_PREDICTED, MISSED],
        MET,
    ).astype(np.uint8)
    skipped = int(((labelled_NK & predicted_NK).any(axis=1) & ~has_length_N).sum())
    return Pck(joints, verdict_NK, skipped, body_joints)


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
    ends = [columns_of(segment, convention.joints, convention.body_joints) for segment in segments]
    known = [pair for pair in ends if len(pair) == 2]
    if not known:
        return None
    length_NS = np.stack([_segment(a, b, keypoints_NK2, labelled_NK) for a, b in known], axis=1)
    length_N = length_NS.max(axis=1)
    return np.where(length_N > 0, length_N, np.nan)


def _segment(
    a: int, b: int, keypoints_NK2: Float32[np.ndarray, "n k 2"], labelled_NK: Bool[np.ndarray, "n k"]
) -> Float64[np.ndarray, "n"]:
    """Distance of two joints, 0 where one of them is not labelled."""
    length_N = np.linalg.norm(keypoints_NK2[:, a].astype(np.float64) - keypoints_NK2[:, b], axis=1)
    return np.where(labelled_NK[:, a] & labelled_NK[:, b], length_N, 0.0)
