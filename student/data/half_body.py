"""Crops of a person's upper or lower half, so that the student also learns people who are cut off.

Follows MMPose's `RandomHalfBody` (mmpose/datasets/transforms/common_transforms.py).
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

MIN_LABELLED = 9
MIN_UPPER = 2
MIN_LOWER = 3
UPPER_PROBABILITY = 0.7
PADDING = 1.2
"""On top of the crop's own padding: MMPose's 1.5 replaces its 1.25, and 1.2 * 1.25 = 1.5."""
_LOWER_BODY = ("hip", "knee", "ankle", "foot", "toe", "heel", "pelvis")


def is_lower_body(joints: Sequence[str]) -> Bool[np.ndarray, " u"]:
    """Which joints, by name, lie at the hips or under them."""
    return np.array([any(part in joint for part in _LOWER_BODY) for joint in joints])


def half_body_box(
    box_4: Float[np.ndarray, "4"],
    joints: Sequence[str],
    keypoint_U2: Float[np.ndarray, "u 2"],
    weight_U: Float[np.ndarray, " u"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "4"]:
    """The box (x, y, width, height) of one half's labelled joints, widened; `box_4` where too few."""
    labelled_U = weight_U > 0
    lower_U = labelled_U & is_lower_body(joints)
    upper_U = labelled_U & ~lower_U
    prefers_upper = rng.random() < UPPER_PROBABILITY
    if labelled_U.sum() < MIN_LABELLED:
        return box_4
    halves = [half for half, wanted in ((upper_U, MIN_UPPER), (lower_U, MIN_LOWER)) if half.sum() >= wanted]
    if not halves:
        return box_4
    chosen_U = halves[0] if prefers_upper else halves[-1]
    half_2 = keypoint_U2[chosen_U]
    side_2 = np.maximum((half_2.max(0) - half_2.min(0)) * PADDING, 1.0)
    # MMPose's centre is the joints' mean, not the middle of their extent.
    return np.concatenate([half_2.mean(0) - side_2 / 2, side_2])
