"""What the student and the teachers say of one dataset's crops, in that dataset's convention."""

from dataclasses import dataclass

import numpy as np

from pipeline.conventions.convention import Convention
from pipeline.conventions.registry import load_convention
from pipeline.datasets.crop_table import CropTable
from pipeline.params import ViewsParams
from pipeline.workspace import Workspace
from student.data.cells import open_cell
from student.data.crop_views import CropViews
from student.evaluation.predictions import Predictions
from student.evaluation.readout import Readout, student_readout, teacher_readout
from student.inference.crop_inference import Predictor


@dataclass(frozen=True)
class Answer:
    """One model's predictions for one dataset, and how they were read out."""

    readout: Readout
    predictions: Predictions


def student_answer(
    predictor: Predictor, table: CropTable, convention: Convention, batch_size: int, workers: int
) -> Answer:
    """Run the student on every crop of the table."""
    union = predictor.predict_table(table, batch_size, workers)
    readout = student_readout(predictor.student.config.skeleton, convention)
    return Answer(readout, readout.apply(union.crop_id, union.keypoints_NU2, union.scores_NU))


def teacher_answer(
    workspace: Workspace, teacher: str, table: CropTable, convention: Convention
) -> Answer | None:
    """The teacher's own decoded joints, from its store; None where there is no store for the table's dataset.

    Raises:
        KDError: the store is incomplete, damaged or stale, or lacks crops of the table.
    """
    if not workspace.store(teacher, table.dataset).exists():
        return None
    store = open_cell(workspace, teacher, table)
    known = load_convention(workspace.teacher(teacher).convention, workspace.root)
    readout = teacher_readout(known.reordered(store.attributes["convention"]["joints"], teacher), convention)
    rows = CropViews(table, ViewsParams()).plain_store_rows(store, teacher, np.arange(len(table)))
    keypoints, scores = (store.column(name)[rows] for name in ("keypoints", "confidence"))
    return Answer(readout, readout.apply(table.crop_id, keypoints, scores))
