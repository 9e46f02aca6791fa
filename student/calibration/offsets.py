"""Where one convention marks a joint that another marks elsewhere: hips at the belt are not COCO's hips.

An offset is a displacement in the person's own frame, (along the torso, along the shoulders): the first in
units of the vector from the middle of the shoulders to the middle of the hips, the second in units of that
from the right shoulder to the left. So it turns with the person, shrinks with distance and foreshortening,
and is mirrored with them.

Legend: M people, J joints.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from student.targets.teacher_spec import TeacherSpec

LEAST_PEOPLE = 20
"""Fewer people show no offset: a teacher's errors would be taken for one."""
_ROUNDS = 10


def moved_joints(
    keypoint_AK2: Float[Tensor, "a k 2"], spec: TeacherSpec, source_R: Int64[Tensor, " r"]
) -> Float[Tensor, "a r 2"]:
    """The teacher's joints by relation, each moved by the relation's offset."""
    joint_AR2 = keypoint_AK2[:, source_R]
    if spec.frame is None or not spec.offset_R2.any():
        return joint_AR2
    offset_R2 = torch.from_numpy(spec.offset_R2).to(joint_AR2)
    torso_A2, shoulders_A2 = frame_vectors(keypoint_AK2, spec.frame)
    return joint_AR2 + offset_R2[:, :1] * torso_A2[:, None] + offset_R2[:, 1:] * shoulders_A2[:, None]


def frame_vectors(
    keypoint_AK2: Float[Tensor, "a k 2"], frame: Sequence[int]
) -> tuple[Float[Tensor, "a 2"], Float[Tensor, "a 2"]]:
    """The torso's vector and the shoulders'; `frame`: left and right shoulder, left and right hip."""
    left_shoulder, right_shoulder, left_hip, right_hip = (keypoint_AK2[:, joint] for joint in frame)
    return (left_hip + right_hip - left_shoulder - right_shoulder) / 2, left_shoulder - right_shoulder


def fit_offset(
    difference_M2: Float[np.ndarray, "m 2"],
    torso_M2: Float[np.ndarray, "m 2"],
    shoulders_M2: Float[np.ndarray, "m 2"],
    usable_M: Bool[np.ndarray, " m"],
) -> tuple[float, float] | None:
    """The offset that explains the differences (theirs - ours, pixels) best; None of too few people.

    Least absolute deviations in units of the torso, by iteratively reweighted least squares: some of the
    differences are a teacher's errors, not the convention's.
    """
    length_M = np.linalg.norm(torso_M2, axis=1)
    kept_M = usable_M & (length_M > 1) & np.isfinite(difference_M2).all(1)
    if kept_M.sum() < LEAST_PEOPLE:
        return None
    unit_M1 = length_M[kept_M, None]
    wanted = (difference_M2[kept_M] / unit_M1).ravel()
    basis = np.stack([(torso_M2[kept_M] / unit_M1).ravel(), (shoulders_M2[kept_M] / unit_M1).ravel()], 1)
    weight, solution = np.ones(len(wanted)), np.zeros(2)
    for _ in range(_ROUNDS):
        scaled = basis * weight[:, None]
        solution = np.linalg.lstsq(scaled.T @ basis + 1e-6 * np.eye(2), scaled.T @ wanted, rcond=None)[0]
        error = np.linalg.norm((wanted - basis @ solution).reshape(-1, 2), axis=1)
        weight = np.repeat(1 / np.maximum(error, 0.02), 2)
    return float(solution[0]), float(solution[1])
