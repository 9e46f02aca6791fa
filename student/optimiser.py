"""AdamW over a network's parameters."""

import torch
from torch import nn


def build_optimiser(model: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """Weight decay on weights only, not on biases and norms, as RTMPose trains (its `paramwise_cfg`).

    Frozen parameters are left out.
    """
    learned = [p for p in model.parameters() if p.requires_grad]
    decayed = [p for p in learned if p.ndim > 1]
    others = [p for p in learned if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate)
