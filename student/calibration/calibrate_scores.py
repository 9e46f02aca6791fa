"""Fitting a student's `ScoreCalibration` on labelled splits that it was not trained on.

Legend: N crops, M labelled joints of all of them, U union joints, F features of the regression.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32

from pipeline.conventions.union import UnionSkeleton
from pipeline.errors import KDError
from pipeline.params import Params
from pipeline.workspace import Workspace
from pipeline.workspace_crops import crops_of
from student.calibration.fit import LEAST_LABELS, logistic_regression
from student.calibration.score_calibration import ScoreCalibration, score_logit
from student.data.loader import worker_count
from student.data.split import TrainingSplit, relations_of
from student.evaluation.metrics.correctness import is_right
from student.inference.crop_inference import Predictor
from student.network.pose_student import PoseStudent
from student.targets.union_labels import union_labels

SETTING = "train.calibrate_scores"
_RIDGE_SLOPE, _RIDGE_INTERCEPT, _RIDGE_JOINT = 0.1, 0.01, 1.0


@dataclass(frozen=True)
class ScoredJoints:
    """A student's scores of union joints, and which of them are right, where a label says so."""

    score_NU: Float32[np.ndarray, "n u"]
    right_NU: Bool[np.ndarray, "n u"]
    labelled_NU: Bool[np.ndarray, "n u"]


def open_score_splits(workspace: Workspace, skeleton: UnionSkeleton) -> list[TrainingSplit]:
    """The splits of `train.calibrate_scores`, without stores. To be called before a training, so that what
    is missing ends it before it has taken its hours.

    Raises:
        KDError: a crop table is missing, or they have too few labelled joints of the student's.
    """
    names = tuple(dict.fromkeys(workspace.params.train.calibrate_scores))
    splits = [_open(workspace, name, skeleton) for name in names]
    if splits:
        _check_labels(sum(int(union_labels(s, skeleton.num_joints)[1].sum()) for s in splits), names)
    return splits


def _open(workspace: Workspace, name: str, skeleton: UnionSkeleton) -> TrainingSplit:
    table = crops_of(workspace, name)
    try:
        return TrainingSplit(table, relations_of(table, skeleton, workspace.root), {})
    except KDError:
        raise KDError(
            f"dataset {name} of {SETTING} has {len(table)} crops, but no labelled joint that the student "
            "has. Name a labelled validation split there, or remove the setting."
        ) from None


def _check_labels(labels: int, datasets: Sequence[str]) -> None:
    if labels < LEAST_LABELS:
        raise KDError(
            f"{', '.join(datasets)} ({SETTING}) has {labels} labelled joints that the student has, but "
            f"scores are calibrated on {LEAST_LABELS} or more. Name a larger validation split there, or "
            "remove the setting."
        )


def calibrate_scores(student: PoseStudent, splits: Sequence[TrainingSplit], params: Params) -> None:
    """Fit on these splits, and keep the calibration in the student's config, where a `Predictor` finds it.

    The flip test is that of evaluation: without it, scores mean something else.

    Raises:
        KDError: an image is missing; `fit_score_calibration` finds no calibration.
    """
    student.config = replace(student.config, score_calibration=None)
    joints = _together(list(_scored(student, splits, params)))
    datasets = tuple(split.table.dataset for split in splits)
    found = fit_score_calibration(joints, student.config.skeleton, datasets)
    student.config = replace(student.config, score_calibration=found)


def _scored(student: PoseStudent, splits: Sequence[TrainingSplit], params: Params) -> Iterator[ScoredJoints]:
    device = next(student.parameters()).device
    predictor = Predictor(student, device, params.evaluate.flip_test)
    workers = worker_count(params.runtime.workers, device)
    for split in splits:
        found = predictor.predict_table(split.table, params.runtime.batch_size, workers)
        label_NU2, labelled_NU = union_labels(split, student.config.skeleton.num_joints)
        answer_NU2, box_N4 = found.keypoints_NU2[split.row_N], split.table.bbox[split.row_N]
        yield ScoredJoints(found.scores_NU[split.row_N], is_right(answer_NU2, label_NU2, box_N4), labelled_NU)


def _together(parts: Sequence[ScoredJoints]) -> ScoredJoints:
    return ScoredJoints(
        np.concatenate([part.score_NU for part in parts]),
        np.concatenate([part.right_NU for part in parts]),
        np.concatenate([part.labelled_NU for part in parts]),
    )


def fit_score_calibration(
    joints: ScoredJoints, skeleton: UnionSkeleton, datasets: tuple[str, ...]
) -> ScoreCalibration:
    """Ridge logistic regression of "is right" over the labelled joints.

    Left and right share their offset; a joint with few labels, or none, is drawn to the mean of all.

    Raises:
        KDError: too few labels, or joints of higher score are not right more often.
    """
    labels = int(joints.labelled_NU.sum())
    _check_labels(labels, datasets)
    side_U = np.minimum(np.arange(skeleton.num_joints), skeleton.flip_permutation)
    row_M, union_M = np.nonzero(joints.labelled_NU)
    features_MF = np.zeros((labels, 2 + skeleton.num_joints))
    features_MF[:, 0], features_MF[:, 1] = score_logit(joints.score_NU)[row_M, union_M], 1.0
    features_MF[np.arange(labels), 2 + side_U[union_M]] = 1.0
    ridge_F = np.array([_RIDGE_SLOPE, _RIDGE_INTERCEPT] + [_RIDGE_JOINT] * skeleton.num_joints)
    weight_F = logistic_regression(features_MF, joints.right_NU[row_M, union_M], ridge_F)
    slope, intercept = weight_F[:2].tolist()
    if slope <= 0:
        raise _not_rising(slope, datasets)
    offsets = dict(zip(skeleton.joints, weight_F[2:][side_U].tolist(), strict=True))
    return ScoreCalibration(slope, intercept, offsets, datasets, labels)


def _not_rising(slope: float, datasets: Sequence[str]) -> KDError:
    return KDError(
        f"scores cannot be calibrated on {', '.join(datasets)} ({SETTING}): there, joints of higher score "
        f"are not right more often (slope {slope:.2f}, but one above 0 is wanted). Train longer if the "
        "student has learned too little, or name a larger split. The student is saved, its scores as "
        "decoded. To evaluate it as it is: kd-pipeline evaluate"
    )
