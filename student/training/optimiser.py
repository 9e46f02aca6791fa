"""AdamW over a network's parameters."""

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

NORMS = (_BatchNorm, _InstanceNorm, nn.GroupNorm, nn.LayerNorm)


def build_optimiser(model: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """Weight decay on all but biases and norms, as RTMPose trains (its `paramwise_cfg`).

    Must equal MMEngine's `DefaultOptimWrapperConstructor` with `norm_decay_mult=0, bias_decay_mult=0`: what
    decides is a parameter's name and its module, not its shape, so vectors of another kind (the scales of
    RTMPose's attention) are decayed. Frozen parameters are left out.
    """
    decayed, others = [], []
    for parameter, is_decayed in _learned(model):
        (decayed if is_decayed else others).append(parameter)
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate)


def _learned(model: nn.Module) -> Iterator[tuple[nn.Parameter, bool]]:
    """Every parameter that is learned, once, and whether it is decayed."""
    seen = set()
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad and parameter not in seen:
                seen.add(parameter)
                yield parameter, not (name == "bias" or isinstance(module, NORMS))
