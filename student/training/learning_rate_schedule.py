"""The learning rate over a training."""

import math
from typing import Literal

FLAT_COSINE_END = 0.05
"""Of the base learning rate, as in RTMPose's configs (`eta_min=base_lr * 0.05`)."""


def learning_rate_factor(
    step: int, steps: int, warmup_steps: int, schedule: Literal["cosine", "flat_cosine"] = "cosine"
) -> float:
    """What the base learning rate is multiplied with at `step` of 0..steps-1.

    A straight line up over the warm-up, then half a cosine down towards 0 (SGDR without restarts, Loshchilov
    and Hutter 2017). `flat_cosine` stays up for the first half of the training, and falls to FLAT_COSINE_END
    in the second, as RTMPose trains. A function of the step alone: resuming needs no state.
    """
    warmup = min(warmup_steps, steps)
    if step < warmup:
        return (step + 1) / warmup
    flat, end = (steps // 2, FLAT_COSINE_END) if schedule == "flat_cosine" else (0, 0.0)
    top = max(warmup, flat)
    fallen = max(step - top, 0) / max(1, steps - top)
    return end + (1 - end) * 0.5 * (1 + math.cos(math.pi * fallen))
