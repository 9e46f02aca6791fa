"""A learning curve: PCK of a student in training on labelled splits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.conventions.convention import Convention
from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import UnionSkeleton
from pipeline.datasets.crop_table import CropTable
from pipeline.errors import KDError
from pipeline.params import Params
from pipeline.workspace import Workspace
from pipeline.workspace_crops import crops_of
from student.data.loader import worker_count
from student.evaluation.joint_mapping import student_joint_mapping
from student.evaluation.metrics.pck import LIMB_JOINTS, Pck
from student.evaluation.model_results import student_result
from student.evaluation.predictions import Predictions
from student.evaluation.scores import pck_of
from student.inference.crop_inference import Predictor
from student.network.pose_student import PoseStudent
from student.training.checkpoint import random_state, restore_random_state

SETTING = "train.validation"
LOGGED = "validation/"
"""What the names of its numbers start with."""


@dataclass(frozen=True)
class ValidationSplit:
    """A labelled split and the convention of its labels."""

    table: CropTable
    convention: Convention


class Validation:
    """PCK@0.2 on the splits of `train.validation`, as `kd-pipeline evaluate` measures it."""

    def __init__(self, splits: Sequence[ValidationSplit], params: Params) -> None:
        self._splits = splits
        self._params = params

    def is_due(self, epochs_done: int) -> bool:
        """Every so many epochs, and after the last."""
        train = self._params.train
        return epochs_done % train.validation.every_epochs == 0 or epochs_done == train.epochs

    def __call__(self, student: PoseStudent) -> dict[str, float]:
        """The student's fractions by the names they are logged under.

        The generators that training draws from are left as they were.

        Raises:
            KDError: an image is missing; the student's answers are not finite.
        """
        state = random_state()
        try:
            return {
                f"{LOGGED}{split.table.dataset}/{name}": value
                for split in self._splits
                for name, value in self._measure(student, split).items()
            }
        finally:
            restore_random_state(state)

    def _measure(self, student: PoseStudent, split: ValidationSplit) -> dict[str, float]:
        device, runtime = next(student.parameters()).device, self._params.runtime
        result = student_result(
            Predictor(student, device, self._params.evaluate.flip_test),
            split.table,
            split.convention,
            runtime.batch_size,
            worker_count(runtime.workers, device),
        )
        torso = _torso(split, result.predictions)
        measured = {"PCK20_limbs": torso.over(LIMB_JOINTS), "PCK20": torso.over(torso.joints)}
        return {name: round(value, 4) for name, value in measured.items() if value is not None}


def _torso(split: ValidationSplit, predictions: Predictions) -> Pck | None:
    return pck_of(split.table, split.convention, predictions)[0]


def open_validation(workspace: Workspace, skeleton: UnionSkeleton) -> Validation | None:
    """The validation that params.yaml asks for, if any. To be called before a training, so that what is
    missing ends it before it has taken its hours.

    Raises:
        KDError: a crop table is missing, or has no person whose PCK can be measured.
    """
    params = workspace.params
    if params.train.validation is None:
        return None
    names = dict.fromkeys(params.train.validation.datasets)
    return Validation([_open(workspace, name, skeleton) for name in names], params)


def _open(workspace: Workspace, name: str, skeleton: UnionSkeleton) -> ValidationSplit:
    table = crops_of(workspace, name)
    if table.convention is not None:
        split = ValidationSplit(table, load_convention(table.convention, workspace.root))
        torso = _torso(split, _right_answers(split, skeleton))
        if torso is not None and torso.counted.any():
            return split
    raise KDError(
        f"dataset {name} of {SETTING} has {len(table)} crops, but no person with a labelled joint that the "
        "student has, and with a shoulder and the opposite hip labelled, by whose distance PCK is measured. "
        "Name another labelled split there, or remove the setting."
    )


def _right_answers(split: ValidationSplit, skeleton: UnionSkeleton) -> Predictions:
    """What a student that is always right would answer."""
    sources = student_joint_mapping(skeleton, split.convention).sources
    predicted_K = np.array([source is not None for source in sources])
    keypoints_NK2 = np.where(predicted_K[:, None], split.table.keypoints, np.float32(np.nan))
    ones_NK = np.ones(keypoints_NK2.shape[:2], np.float32)
    return Predictions(split.table.crop_id, keypoints_NK2, ones_NK, predicted_K)
