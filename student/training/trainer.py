"""The inner part of the training loop: a student, its optimiser and its moving average, one batch at a
time."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from pipeline.errors import KDError
from pipeline.params import TrainParams
from student.data.batch import TrainingBatch
from student.losses.distillation import DistillationLoss, total_loss
from student.losses.term import LossTerm
from student.network.pose_student import PoseStudent
from student.training.checkpoint import random_state, restore_random_state
from student.training.ema import MovingAverage
from student.training.learning_rate_schedule import learning_rate_factor
from student.training.optimiser import build_optimiser

NAMED_CROPS = 64
"""Crop ids listed in an error at most."""


class Trainer:
    """Everything that changes while a student learns, and how one batch changes it.

    `state_dict` holds all of it: a trainer that loads it continues exactly as the one that gave it would
    have.
    """

    def __init__(
        self,
        student: PoseStudent,
        loss: DistillationLoss,
        params: TrainParams,
        steps_per_epoch: int,
        device: torch.device,
        distill_factor: Callable[[int], float] = lambda epoch: 1.0,
    ) -> None:
        """`distill_factor`: what distillation is weighed with in an epoch (from 0)."""
        self.student = student.to(device, memory_format=torch.channels_last)
        self.loss = loss
        self.learned = nn.ModuleList([self.student, *loss.learned()]).to(device)
        self.distill_factor = distill_factor
        self.steps_per_epoch = steps_per_epoch
        self.params = params
        self.steps = params.epochs * steps_per_epoch
        self.warmup_steps = (
            round(params.warmup_epochs * steps_per_epoch)
            if params.warmup_steps is None
            else params.warmup_steps
        )
        self.device = device
        self.optimiser = build_optimiser(self.learned, params.learning_rate, params.weight_decay)
        self.average = MovingAverage(self.student, params.ema_decay, params.ema_ramp)
        self.step = 0
        self.half_precision = params.amp == "bf16" or (params.amp == "auto" and device.type == "cuda")

    def learn(self, batch: TrainingBatch) -> list[LossTerm]:
        """One step on one batch; the terms of its loss.

        Raises:
            KDError: the loss or a gradient is not finite. The weights are those before that batch.
        """
        self.student.train()
        self._set_learning_rate()
        batch = batch.to(self.device)
        image_B3HW = self.student.normalise(batch.image_BHW3)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half_precision):
            feature_BCHW = self.student.features(image_B3HW)
            logits = self.student.head(feature_BCHW)
        # Log-probabilities of thousands of positions need more than bf16's eight bits.
        terms = self.loss.terms(
            tuple(axis_BUP.float() for axis_BUP in logits),
            batch,
            feature_BCHW.detach().float().mean((-2, -1)),
            self.distill_factor(self.step // self.steps_per_epoch),
        )
        total = total_loss(terms)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        # Clipped to infinity gradients stay as they are, to the bit; their norm is wanted all the same.
        norm = nn.utils.clip_grad_norm_(self.student.parameters(), self.params.clip_grad_norm or math.inf)
        # One look for both, so that the device is waited for once a step.
        if not bool(torch.isfinite(total.detach() + norm)):
            raise self._not_finite(terms, batch)
        self.optimiser.step()
        self.average.update(self.student)
        self.step += 1
        return terms

    @property
    def learning_rate(self) -> float:
        """Of the step before."""
        return self.optimiser.param_groups[0]["lr"]

    def _set_learning_rate(self) -> None:
        factor = learning_rate_factor(self.step, self.steps, self.warmup_steps, self.params.schedule)
        for group in self.optimiser.param_groups:
            group["lr"] = self.params.learning_rate * factor

    def _not_finite(self, terms: Sequence[LossTerm], batch: TrainingBatch) -> KDError:
        values = ", ".join(f"{term.name} {term.value.item():.4g}" for term in terms)
        ids = batch.crop_id_B.tolist()
        listed = ", ".join(map(str, ids[:NAMED_CROPS]))
        more = f" and {len(ids) - NAMED_CROPS} more" if len(ids) > NAMED_CROPS else ""
        return KDError(
            f"at step {self.step} of {self.steps} the loss or its gradient is not finite (terms: {values}). "
            f"Crops of the batch: {listed}{more}. The last checkpoint is kept as it was. Lower "
            "train.learning_rate, or look for wrong labels or maps among these crops."
        )

    def state_dict(self) -> dict[str, Any]:
        return {
            "learned": self.learned.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.state_dict(),
            "step": self.step,
            "random": random_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.learned.load_state_dict(state["learned"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.load_state_dict(state["average"])
        self.step = state["step"]
        restore_random_state(state["random"])
