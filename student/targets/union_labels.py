"""A dataset's labels as labels of union joints.

Legend: N crops of a split, K the dataset's joints, U union joints.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from pipeline.conventions.relation import Relation
from student.data.split import TrainingSplit


class UnionLabels:
    """Ground truth supervises the union joints its convention has a relation to, by the relation's weight."""

    def __init__(self, relations: Sequence[Relation], joints: int, occluded_weight: float = 1.0) -> None:
        """Where several of the dataset's joints stand for one union joint, the closest relation counts.

        `occluded_weight` is that of labels marked as occluded; 1, as in MMPose: as much as of visible ones.
        """
        # By COCO's flags: not labelled, labelled but occluded, visible.
        self._visibility_weight = np.array([0.0, occluded_weight, 1.0], dtype=np.float32)
        self._source_U = np.zeros(joints, dtype=np.int64)
        self._weight_U = np.zeros(joints, dtype=np.float32)
        for relation in relations:
            if relation.weight > self._weight_U[relation.union]:
                self._source_U[relation.union] = relation.source
                self._weight_U[relation.union] = relation.weight

    def __call__(
        self, keypoint_K2: Float32[np.ndarray, "k 2"], visibility_K: UInt8[np.ndarray, " k"]
    ) -> tuple[Float32[np.ndarray, "u 2"], Float32[np.ndarray, " u"]]:
        """One person's union joints, in the units of `keypoint_K2`, and their weights (0: nothing known)."""
        if not len(visibility_K):  # a dataset without a convention
            return np.zeros((len(self._source_U), 2), dtype=np.float32), np.zeros_like(self._weight_U)
        weight_U = self._visibility_weight[visibility_K][self._source_U] * self._weight_U
        return keypoint_K2[self._source_U], weight_U


def inside_crop(keypoint_U2: Float32[np.ndarray, "u 2"], size: tuple[int, int]) -> Bool[np.ndarray, " u"]:
    """Which keypoints (input pixels) lie on a pixel of the crop of `size` (width, height)."""
    return ((keypoint_U2 >= -0.5) & (keypoint_U2 < np.array(size) - 0.5)).all(-1)


def union_labels(
    split: TrainingSplit, joints: int
) -> tuple[Float32[np.ndarray, "n u 2"], Bool[np.ndarray, "n u"]]:
    """Every person's labels as union joints in image pixels, and which of them there are."""
    labels = UnionLabels(split.relations, joints)
    table = split.table
    people = [labels(table.keypoints[row], table.visibility[row]) for row in split.row_N.tolist()]
    keypoints, weights = zip(*people, strict=True)
    return np.stack(keypoints), np.stack(weights) > 0
