"""Which of a model's joints stands for which joint of a dataset."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

from pipeline.conventions.convention import Convention
from pipeline.conventions.union import UnionSkeleton, match_joints
from student.evaluation.predictions import Predictions


@dataclass(frozen=True)
class JointMapping:
    """For every joint of the dataset's convention, the model's joint that stands for it, or None.

    A joint without one is not predicted: evaluation leaves it out, so it is neither wrong nor right.
    """

    joints: tuple[str, ...]
    sources: tuple[int | None, ...]
    kinds: tuple[str | None, ...]
    """`same`, `similar`, or None where there is no source."""

    @property
    def not_predicted(self) -> tuple[str, ...]:
        return tuple(joint for joint, source in zip(self.joints, self.sources, strict=True) if source is None)

    @property
    def similar(self) -> tuple[str, ...]:
        """Joints read from one that is annotated differently: their numbers carry a systematic offset."""
        return tuple(joint for joint, kind in zip(self.joints, self.kinds, strict=True) if kind == "similar")

    def apply(
        self,
        crop_id_N: Int64[np.ndarray, "n"],
        keypoints_NJ2: Float32[np.ndarray, "n j 2"],
        scores_NJ: Float32[np.ndarray, "n j"],
    ) -> Predictions:
        """A model's joints (image pixels) as predictions in the dataset's convention.

        Raises:
            KDError: a joint that is used, or its score, is not finite.
        """
        predicted_K = np.array([source is not None for source in self.sources])
        used = [source for source in self.sources if source is not None]
        keypoints_NK2 = np.full((len(crop_id_N), len(self.joints), 2), np.nan, np.float32)
        scores_NK = np.zeros((len(crop_id_N), len(self.joints)), np.float32)
        keypoints_NK2[:, predicted_K] = keypoints_NJ2[:, used]
        scores_NK[:, predicted_K] = scores_NJ[:, used]
        return Predictions(crop_id_N, keypoints_NK2, scores_NK, predicted_K)


def student_joint_mapping(union: UnionSkeleton, target: Convention) -> JointMapping:
    """How a student over `union` is read in `target`: the best relation of each of target's joints."""
    return _joint_mapping(target, ((r.union, r.source, r.kind) for r in union.to_convention(target)))


def teacher_joint_mapping(source: Convention, target: Convention) -> JointMapping:
    """How a teacher in `source`'s output order is read in `target`, joined through the union of both."""
    return _joint_mapping(target, match_joints(source, target))


def _joint_mapping(target: Convention, matches: Iterable[tuple[int, int, str]]) -> JointMapping:
    """`matches` are (model's joint, target's joint, kind); where several reach one target, `same` wins."""
    best: dict[int, tuple[int, str]] = {}
    for source, joint, kind in matches:
        if joint not in best or (kind == "same" and best[joint][1] != "same"):
            best[joint] = (source, kind)
    chosen = [best.get(joint, (None, None)) for joint in range(target.num_joints)]
    return JointMapping(
        target.joints, tuple(source for source, _ in chosen), tuple(kind for _, kind in chosen)
    )
