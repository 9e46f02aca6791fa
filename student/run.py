"""One training, put together from a workspace: it can be stepped, saved and gone on with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from pipeline.params import Params
from student.checkpoint import changes, load_checkpoint
from student.dataset import TrainingSet
from student.distillation import DistillationLoss
from student.loader import BatchLoader, worker_count
from student.network import PoseStudent
from student.sampler import EpochSampler
from student.supervision import Supervision
from student.trainer import Trainer
from student.weighting import FixedWeighting

IDENTITY_SECTIONS = ("skeleton", "student", "train", "distill")
"""Sections of params.yaml that a training depends on; with any of them changed, a checkpoint is another's."""
TOLD_CHANGES = 5


class TrainingRun:
    """Data, trainer and the count of finished epochs."""

    def __init__(self, params: Params, supervision: Supervision, device: torch.device) -> None:
        """Fresh weights from `train.seed`."""
        self.identity = {
            "data": supervision.identity,
            "joints": list(supervision.student.skeleton.joints),
            **{name: getattr(params, name).model_dump(mode="json") for name in IDENTITY_SECTIONS},
        }
        self.dataset = TrainingSet(
            supervision.splits, supervision.student, params.train.augment, params.train.seed
        )
        self._loader = BatchLoader(
            self.dataset,
            EpochSampler(
                [len(split) for split in supervision.splits],
                params.train.batch_size,
                params.train.sampling,
                params.train.seed,
            ),
            worker_count(params.runtime.workers, device),
            device,
        )
        torch.manual_seed(params.train.seed)
        self.trainer = Trainer(
            PoseStudent(supervision.student),
            _loss(params, supervision),
            params.train,
            steps_per_epoch=len(self._loader),
            device=device,
        )
        self.history: list[dict[str, float]] = []

    @property
    def epoch(self) -> int:
        """Epochs finished; the one that comes next, from 0."""
        return len(self.history)

    def run_epoch(self, progress: Callable[[int, int], Any]) -> dict[str, float]:
        """Train one epoch; its numbers, as logged. Raises KDError where the loss is not finite."""
        self._loader.sampler.epoch = self.epoch
        row = self.trainer.run_epoch(self._loader, lambda step: progress(step, self.trainer.steps))
        self.history.append(row)
        return row

    def state_dict(self) -> dict[str, Any]:
        """All that changes in training, and what it depends on."""
        return {"identity": self.identity, "history": self.history, "trainer": self.trainer.state_dict()}

    def resume(self, path: Path) -> str:
        """Go on from a checkpoint of this very training. Returns why not, or "" (also for no checkpoint)."""
        if not path.exists():
            return ""
        state = load_checkpoint(path)
        if state is None:
            return f"{path} cannot be read (damaged, or of another version): training started afresh."
        changed = changes(state["identity"], self.identity)
        if changed:
            told = "; ".join(changed[:TOLD_CHANGES]) + ("; ..." if len(changed) > TOLD_CHANGES else "")
            return f"{path} is of another training ({told}): training started afresh."
        self.trainer.load_state_dict(state["trainer"])
        self.history = [dict(row) for row in state["history"]]
        return ""


def _loss(params: Params, supervision: Supervision) -> DistillationLoss:
    return DistillationLoss(
        student=supervision.student,
        teachings=supervision.teachings,
        weighting=FixedWeighting(params.distill_weights(), params.distill.min_confidence),
        ground_truth_weight=params.train.ground_truth_weight,
        distill_weight=params.distill.weight,
    )
