"""Stage two: from crop tables and stores to a saved student."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.device import resolve_device
from pipeline.files.atomic import make_folder, remove_unfinished
from pipeline.files.durable import taking_turns
from pipeline.workspace import Workspace
from student.calibration.calibrate import calibrate_training_data
from student.calibration.calibrate_scores import calibrate_scores, open_score_splits
from student.data.training_data import TrainingData, open_training_data
from student.network.saved import CONFIG, WEIGHTS, save_student
from student.training.checkpoint import save_training_state
from student.training.metrics_log import MetricsLog
from student.training.training_run import TrainingRun, settings_sha256
from student.training.validation import LOGGED, open_validation

CHECKPOINT = Path("checkpoints") / "last.pt"
CALIBRATION = "calibration.json"
LOG = "dvclive"

Progress = Callable[[int, int], Any]
"""Called with steps done and steps in all."""


@dataclass(frozen=True)
class TrainingReport:
    """What a training did.

    `start` says which weights it began with; `note` why it did not resume from the checkpoint it found, or is
    empty.
    """

    folder: Path
    crops: int
    epochs: int
    steps: int
    first_epoch: int
    seconds: float
    last: dict[str, float]
    start: str
    note: str = ""
    warnings: tuple[str, ...] = ()

    def summary(self) -> str:
        """In a few lines."""
        resumed = f", {self.first_epoch} of them done before" if self.first_epoch else ""
        losses = ", ".join(
            f"{name.removeprefix('train/loss/')} {value:.4f}" for name, value in self._losses()
        )
        lines = [
            *(f"Warning: {warning}" for warning in self.warnings),
            self.note,
            f"The student {self.start}.",
            f"{self.epochs} epochs of {self.crops} crops{resumed}, in {self.seconds:.0f} s. Losses: {losses}",
            self._validated(),
            f"{self.folder / WEIGHTS}, {self.folder / CONFIG}",
        ]
        return "\n".join(line for line in lines if line)

    def _validated(self) -> str:
        found = [f"{name.removeprefix(LOGGED)} {100 * value:.1f}" for name, value in self._validation()]
        return f"Validation, in percent: {', '.join(found)}" if found else ""

    def _validation(self) -> list[tuple[str, float]]:
        return [item for item in self.last.items() if item[0].startswith(LOGGED)]

    def _losses(self) -> list[tuple[str, float]]:
        return [item for item in self.last.items() if item[0].startswith("train/loss/")]


def train_student(
    workspace: Workspace, resume: bool = True, progress: Progress | None = None
) -> TrainingReport:
    """Train the workspace's student and save it, with averaged weights, in `workspace.run`.

    Training resumes from a checkpoint of the same parameters, crops and stores, to the very weights (on a
    CPU) that an undisturbed training ends with. From one of others it does not: then training starts afresh,
    and the report says what had changed. Two trainings in one folder take turns.

    Raises:
        KDError: something is missing, incomplete or stale (`open_training_data`, `open_validation`); the loss
            is not finite (the last checkpoint stays); the folder cannot be written; scores cannot be
            calibrated (the student is there, its scores as decoded).
    """
    training_data = open_training_data(workspace)
    with taking_turns(make_folder(workspace.run)):
        return _train(workspace, training_data, resume, progress)


def _train(
    workspace: Workspace, training_data: TrainingData, resume: bool, progress: Progress | None
) -> TrainingReport:
    started = time.perf_counter()
    params, folder = workspace.params, workspace.run
    remove_unfinished(folder / CHECKPOINT)
    training_data = calibrate_training_data(workspace, training_data, folder / CALIBRATION)
    score_splits = open_score_splits(workspace, training_data.student.skeleton)
    validation = open_validation(workspace, training_data.student.skeleton)
    device = resolve_device(params.runtime.device)
    run = TrainingRun(params, training_data, device, workspace.root, validation)
    note = run.resume(folder / CHECKPOINT) if resume else ""
    first_epoch = run.epoch
    log = MetricsLog(folder / LOG, run.history)
    every = params.runtime.checkpoint_steps

    def on_step(done: int, steps: int) -> None:
        if every and done % every == 0:
            save_training_state(run.state_dict(), folder / CHECKPOINT)
        if progress is not None:
            progress(done, steps)

    while run.epoch < params.train.epochs:
        log.add(run.run_epoch(on_step))
        save_training_state(run.state_dict(), folder / CHECKPOINT)
    log.close()
    save_student(run.trainer.average.model, folder, settings_sha256(params))
    if score_splits:
        calibrate_scores(run.trainer.average.model, score_splits, params)
        save_student(run.trainer.average.model, folder, settings_sha256(params))
    return TrainingReport(
        folder=folder,
        crops=len(run.dataset),
        epochs=params.train.epochs,
        steps=run.trainer.steps,
        first_epoch=first_epoch,
        seconds=time.perf_counter() - started,
        last=run.history[-1],
        start=run.start.summary,
        note=note,
        warnings=training_data.warnings,
    )
