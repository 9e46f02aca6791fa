"""The student's and the teachers' predictions for one dataset's crops, in that dataset's convention."""

from dataclasses import dataclass

import numpy as np

from pipeline.conventions.convention import Convention
from pipeline.conventions.registry import load_convention
from pipeline.datasets.crop_table import CropTable
from pipeline.params import ViewsParams
from pipeline.workspace import Workspace
from student.data.crop_views import CropViews
from student.data.teacher_stores import open_cell
from student.evaluation.joint_mapping import JointMapping, student_joint_mapping, teacher_joint_mapping
from student.evaluation.predictions import Predictions
from student.inference.crop_inference import Predictor


@dataclass(frozen=True)
class ModelResult:
    """One model's predictions for one dataset, and how they were read out."""

    mapping: JointMapping
    predictions: Predictions


def student_result(
    predictor: Predictor, table: CropTable, convention: Convention, batch_size: int, workers: int
) -> ModelResult:
    """Run the student on every crop of the table."""
    union = predictor.predict_table(table, batch_size, workers)
    mapping = student_joint_mapping(predictor.student.config.skeleton, convention)
    return ModelResult(mapping, mapping.apply(union.crop_id, union.keypoints_NU2, union.scores_NU))


def teacher_result(
    workspace: Workspace, teacher: str, table: CropTable, convention: Convention
) -> ModelResult | None:
    """The teacher's own decoded joints, from its store; None where there is no store for the table's dataset.

    Raises:
        KDError: the store is incomplete, damaged or stale, or lacks crops of the table.
    """
    if not workspace.store(teacher, table.dataset).exists():
        return None
    store = open_cell(workspace, teacher, table)
    known = load_convention(workspace.teacher(teacher).convention, workspace.root)
    mapping = teacher_joint_mapping(
        known.reordered(store.attributes["convention"]["joints"], teacher), convention
    )
    rows = CropViews(table, ViewsParams()).plain_store_rows(store, teacher, np.arange(len(table)))
    keypoints, scores = (store.column(name)[rows] for name in ("keypoints", "confidence"))
    return ModelResult(mapping, mapping.apply(table.crop_id, keypoints, scores))
