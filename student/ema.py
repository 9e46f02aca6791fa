"""Exponential moving average of a student's weights: what is saved and evaluated."""

import copy

import torch
from torch import nn


class MovingAverage:
    """Parameters are averaged; buffers (batch-norm statistics, averages already) are copied.

    The decay grows from 0 as (1 + n) / (10 + n) up to its value, so that a short training is not averaged
    with its random start.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        averages, parameters = list(self.model.parameters()), list(model.parameters())
        torch._foreach_lerp_(averages, parameters, 1 - decay)
        for kept, current in zip(self.model.buffers(), model.buffers(), strict=True):
            kept.copy_(current)

    def state_dict(self) -> dict:
        return {"model": self.model.state_dict(), "updates": self.updates}

    def load_state_dict(self, state: dict) -> None:
        self.model.load_state_dict(state["model"])
        self.updates = state["updates"]
