"""Teachers left out at random, the hardest never (UNIC, Sariyildiz et al., ECCV 2024, section 3.4).

Legend: T teachers, B crops, U union joints, A crops a teacher answered, R relations.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from student.weighting.strategy import TeacherAnswer, Weights
from student.weighting.teacher_stack import TeacherStack


def dropped_at_random(
    weights: Weights,
    costs: Mapping[str, Float[Tensor, "a r"]],
    answers: Mapping[str, TeacherAnswer],
    crops: int,
    joints: int,
    probability: float,
) -> Weights:
    """The weights with each teacher left out of each crop with `probability`, but for the one of the highest
    mean cost there. Those that stay take over its weight: a joint's total is as before, where any stays."""
    before = TeacherStack.of(answers, weights, crops, joints)
    cost_TBU = TeacherStack.of(answers, dict(costs), crops, joints).base_TBU
    weight_TBU = before.base_TBU
    cost_TB = (cost_TBU * weight_TBU).sum(-1) / weight_TBU.sum(-1).clamp_min(1e-12)
    hardest_TB = cost_TB == cost_TB.amax(0)
    stays_TB1 = (hardest_TB | (torch.rand_like(cost_TB) >= probability))[..., None]
    kept_TBU = weight_TBU * stays_TB1
    total_BU, left_BU = weight_TBU.sum(0), kept_TBU.sum(0)
    # A joint that only left-out teachers answer keeps them: leaving it untaught would change its total.
    scaled_TBU = torch.where(left_BU > 0, kept_TBU * (total_BU / left_BU.clamp_min(1e-12)), weight_TBU)
    return before.by_teacher(scaled_TBU)
