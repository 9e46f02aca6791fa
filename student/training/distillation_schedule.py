"""How much distillation counts in the course of a training."""

from typing import Literal

Schedule = Literal["constant", "decay"]


def distillation_factor(epoch: int, epochs: int, schedule: Schedule, warmup_epochs: int) -> float:
    """What the weight of distillation is multiplied with in `epoch` of 0..epochs-1.

    A straight line up over the warm-up epochs (1/(n+1), 2/(n+1), ...); `decay`: times 1 - epoch / epochs, as
    arXiv 2405.20084 and DWPose (Yang et al., ICCV workshops 2023) let it fall.
    """
    warm = min(1.0, (epoch + 1) / (warmup_epochs + 1))
    return warm * (1 - epoch / epochs if schedule == "decay" else 1.0)
