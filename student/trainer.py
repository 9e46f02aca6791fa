"""The training loop's inner part: a student, its optimiser and its average, stepped through epochs."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipeline.errors import KDError
from pipeline.params import TrainParams
from student.batch import TrainingBatch
from student.checkpoint import random_state, restore_random_state
from student.distillation import DistillationLoss
from student.ema import MovingAverage
from student.losses import LossTerm, total_loss
from student.network import PoseStudent
from student.optimiser import build_optimiser
from student.schedule import learning_rate_factor

NAMED_CROPS = 64
"""Crop ids listed in an error at most."""


class Trainer:
    """Everything that changes while a student learns, and how one batch changes it.

    `state_dict` holds all of it: a trainer that loads it goes on exactly as the one that gave it would have.
    """

    def __init__(
        self,
        student: PoseStudent,
        loss: DistillationLoss,
        params: TrainParams,
        steps_per_epoch: int,
        device: torch.device,
    ) -> None:
        self.student = student.to(device, memory_format=torch.channels_last)
        self.loss = loss
        self.params = params
        self.steps = params.epochs * steps_per_epoch
        self.warmup_steps = round(params.warmup_epochs * steps_per_epoch)
        self.device = device
        self.optimiser = build_optimiser(self.student, params.learning_rate, params.weight_decay)
        self.average = MovingAverage(self.student, params.ema_decay)
        self.step = 0
        self.half_precision = params.amp == "bf16" or (params.amp == "auto" and device.type == "cuda")

    def run_epoch(self, batches: Iterable[TrainingBatch], on_step: Callable[[int], None]) -> dict[str, float]:
        """Train on every batch once; the epoch's numbers by the names they are logged under.

        Losses are means over the epoch's steps. `on_step` is told the number of steps taken in all.

        Raises:
            KDError: the loss or a gradient is not finite. The weights are those before that batch.
        """
        self.student.train()
        sums: dict[str, Float[Tensor, ""]] = {}
        weights: dict[str, float] = {}
        started, crops, steps = time.perf_counter(), 0, 0
        for batch in batches:
            terms = self._learn(batch.to(self.device))
            for term in terms:
                sums[term.name] = sums.get(term.name, 0.0) + term.value.detach()
                weights[term.name] = term.weight
            crops, steps = crops + len(batch), steps + 1
            on_step(self.step)
        losses = {name: float(value) / steps for name, value in sums.items()}
        rate = crops / (time.perf_counter() - started)
        return self._row(losses, weights) | {"train/crops_per_second": rate}

    def _row(self, losses: Mapping[str, float], weights: Mapping[str, float]) -> dict[str, float]:
        return {
            "train/loss/total": sum(value * weights[name] for name, value in losses.items()),
            **{f"train/loss/{name}": value for name, value in losses.items()},
            **{f"train/weight/{name}": weight for name, weight in weights.items()},
            "train/learning_rate": self.optimiser.param_groups[0]["lr"],
        }

    def _learn(self, batch: TrainingBatch) -> list[LossTerm]:
        """One step on one batch, which is on the device already."""
        self._set_learning_rate()
        image_B3HW = self.student.normalise(batch.image_BHW3)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half_precision):
            logits = self.student(image_B3HW)
        # Log-probabilities of thousands of positions need more than bf16's eight bits.
        terms = self.loss.terms(tuple(axis_BUP.float() for axis_BUP in logits), batch)
        total = total_loss(terms)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        norm = nn.utils.clip_grad_norm_(self.student.parameters(), self.params.clip_grad_norm)
        # One look for both, so that the device is waited for once a step.
        if not bool(torch.isfinite(total.detach() + norm)):
            raise self._not_finite(terms, batch)
        self.optimiser.step()
        self.average.update(self.student)
        self.step += 1
        return terms

    def _set_learning_rate(self) -> None:
        factor = learning_rate_factor(self.step, self.steps, self.warmup_steps)
        for group in self.optimiser.param_groups:
            group["lr"] = self.params.learning_rate * factor

    def _not_finite(self, terms: Sequence[LossTerm], batch: TrainingBatch) -> KDError:
        told = ", ".join(f"{term.name} {term.value.item():.4g}" for term in terms)
        ids = batch.crop_id_B.tolist()
        listed = ", ".join(map(str, ids[:NAMED_CROPS]))
        more = f" and {len(ids) - NAMED_CROPS} more" if len(ids) > NAMED_CROPS else ""
        return KDError(
            f"at step {self.step} of {self.steps} the loss or its gradient is not finite (terms: {told}). "
            f"Crops of the batch: {listed}{more}. The last checkpoint is kept as it was. Lower "
            "train.learning_rate, or look for wrong labels or maps among these crops."
        )

    def state_dict(self) -> dict[str, Any]:
        return {
            "student": self.student.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.state_dict(),
            "step": self.step,
            "random": random_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.student.load_state_dict(state["student"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.load_state_dict(state["average"])
        self.step = state["step"]
        restore_random_state(state["random"])
