"""One run, from the workspace's stores to its numbers."""

import platform
import time
from collections.abc import Callable
from typing import Any

import torch

from pipeline.teachers.forward_passes import FORWARD_PASSES
from pipeline.versions import installed_versions
from student.ablation.ablation import Run
from student.ablation.runs.data_identity import data_identity
from student.ablation.runs.result_seal import seal_results
from student.ablation.runs.run_record import RECORDED_PACKAGES, RunRecord, remove_record
from student.evaluation.evaluate import evaluate_workspace
from student.training.train import train_student


def execute_run(run: Run, progress: Callable[[int, int], Any] | None = None) -> RunRecord:
    """Train and evaluate the student of `run`; run.json, written last, says that both are done.

    A training that was killed resumes from its checkpoint; one that was finished, of the same params and
    data, is only evaluated again. `progress` gets the training steps done and their total.

    Raises:
        KDError: see `train_student` and `evaluate_workspace`.
    """
    started, passes = time.perf_counter(), FORWARD_PASSES.crops
    remove_record(run.folder)
    data = data_identity(run.workspace)
    trained = train_student(run.workspace, progress=progress)
    evaluate_workspace(run.workspace, with_teachers=False)
    seal_results(run.workspace.evaluation)
    record = RunRecord(
        arm=run.arm,
        seed=run.seed,
        seconds=round(time.perf_counter() - started, 1),
        resumed_from_epoch=trained.first_epoch,
        steps=trained.steps,
        teacher_forward_passes=FORWARD_PASSES.crops - passes,
        threads=torch.get_num_threads(),
        versions={"python": platform.python_version(), **installed_versions(RECORDED_PACKAGES)},
        data=data,
    )
    record.write(run.folder)
    return record
