"""Teachers' answers beside labels: whether an answer is right, from keypoints alone.

Legend: N crops of a split, U union joints.
"""

import numpy as np
from jaxtyping import Bool, Float, Float32

from student.split import TrainingSplit
from student.targets.union_labels import UnionLabels

RIGHT_WITHIN = 0.05
"""Of the diagonal of the person's box: for a whole person about a fifth of the torso, as PCK@0.2 has it."""


def union_labels(
    split: TrainingSplit, joints: int
) -> tuple[Float32[np.ndarray, "n u 2"], Bool[np.ndarray, "n u"]]:
    """Every person's labels as union joints in image pixels, and which of them there are."""
    labels = UnionLabels(split.relations, joints)
    table = split.table
    people = [labels(table.keypoints[row], table.visibility[row]) for row in split.row_N.tolist()]
    keypoints, weights = zip(*people, strict=True)
    return np.stack(keypoints), np.stack(weights) > 0


def is_right(
    answer_NU2: Float[np.ndarray, "n u 2"],
    label_NU2: Float[np.ndarray, "n u 2"],
    box_N4: Float[np.ndarray, "n 4"],
) -> Bool[np.ndarray, "n u"]:
    """Which answers lie within `RIGHT_WITHIN` of their labels; boxes are x, y, width, height."""
    distance_NU = np.linalg.norm(answer_NU2 - label_NU2, axis=-1)
    return distance_NU < RIGHT_WITHIN * np.hypot(box_N4[:, 2], box_N4[:, 3])[:, None]
