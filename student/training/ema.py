"""Exponential moving average of a student's weights: what is saved and evaluated."""

import copy
import math
from typing import Literal

import torch
from torch import nn

Ramp = Literal["hyperbolic", "exponential"]
EXPONENTIAL_STEPS = 2000
"""Gamma of MMPose's `ExpMomentumEMA` (mmpose/engine/hooks/ema_hook.py)."""


class MovingAverage:
    """Parameters and floating-point buffers are averaged alike: batch-norm statistics of the raw weights do
    not fit averaged ones (timm's and MMEngine's averages take them along too). Integer buffers are copied.

    The decay grows up to its value, so that a short training is not averaged with its random start:
    `hyperbolic` as (1 + n) / (10 + n) over the updates n, `exponential` as MMPose's `ExpMomentumEMA`: update
    0 copies, and after it the share of the newest weights is (1 - m) exp(-(1 + n) / 2000) + m, m = 1 - decay.
    """

    def __init__(self, model: nn.Module, decay: float, ramp: Ramp = "hyperbolic") -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self.ramp = ramp
        self.updates = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        newest = 1 - self._decay_now()
        self.updates += 1
        torch._foreach_lerp_(list(self.model.parameters()), list(model.parameters()), newest)
        for kept, current in zip(self.model.buffers(), model.buffers(), strict=True):
            if kept.is_floating_point():
                kept.lerp_(current, newest)
            else:
                kept.copy_(current)

    def _decay_now(self) -> float:
        if self.ramp == "exponential":
            ramp = 1 - math.exp(-(1 + self.updates) / EXPONENTIAL_STEPS)
            return self.decay * ramp if self.updates else 0.0
        return min(self.decay, (1 + self.updates) / (10 + self.updates))

    def state_dict(self) -> dict:
        return {"model": self.model.state_dict(), "updates": self.updates}

    def load_state_dict(self, state: dict) -> None:
        self.model.load_state_dict(state["model"])
        self.updates = state["updates"]
