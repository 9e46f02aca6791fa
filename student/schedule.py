"""The learning rate over a training."""

import math


def learning_rate_factor(step: int, steps: int, warmup_steps: int) -> float:
    """What the base learning rate is multiplied with at `step` of 0..steps-1.

    A straight line up over the warm-up, then half a cosine down towards 0 (SGDR without restarts, Loshchilov
    and Hutter 2017). A function of the step alone: resuming needs no state.
    """
    warmup = min(warmup_steps, steps)
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
