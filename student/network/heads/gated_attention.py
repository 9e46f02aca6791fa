"""Attention between joints, as RTMPose's head has it.

Must equal `RTMCCBlock` (self-attention, SiLU, no relative bias, no position encoding) in
mmpose/models/utils/rtmcc_block.py and `ScaleNorm` in transformer.py beside it, weights named alike. None of
its weights depends on the number of joints.

Legend: B crops, J joints, D hidden values of a joint, E expanded ones, S of queries and keys.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

EXPANSION = 2
QUERY_SIZE = 128
SMALLEST_NORM = 1e-5


class ScaleNorm(nn.Module):
    """Vectors of a learned length times sqrt(dimension) (Nguyen and Salazar, IWSLT 2019)."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.scale = dimension**-0.5
        self.g = nn.Parameter(torch.ones(1))

    def forward(self, value_BJD: Float[Tensor, "b j d"]) -> Float[Tensor, "b j d"]:
        norm_BJ1 = torch.linalg.vector_norm(value_BJD, dim=-1, keepdim=True) * self.scale
        return value_BJD / norm_BJ1.clamp(min=SMALLEST_NORM) * self.g


class Scale(nn.Module):
    """A learned factor per value."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(dimension))

    def forward(self, value_BJD: Float[Tensor, "b j d"]) -> Float[Tensor, "b j d"]:
        return value_BJD * self.scale


class GatedAttention(nn.Module):
    """Gated attention unit (Hua et al., Transformer Quality in Linear Time, ICML 2022) over the joints."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.expanded = EXPANSION * dimension
        self.o = nn.Linear(self.expanded, dimension, bias=False)
        self.uv = nn.Linear(dimension, 2 * self.expanded + QUERY_SIZE, bias=False)
        self.gamma = nn.Parameter(torch.rand(2, QUERY_SIZE))
        self.beta = nn.Parameter(torch.rand(2, QUERY_SIZE))
        self.ln = ScaleNorm(dimension)
        self.res_scale = Scale(dimension)

    def forward(self, joint_BJD: Float[Tensor, "b j d"]) -> Float[Tensor, "b j d"]:
        return self.res_scale(joint_BJD) + self._attended(joint_BJD)

    def _attended(self, joint_BJD: Float[Tensor, "b j d"]) -> Float[Tensor, "b j d"]:
        mixed = functional.silu(self.uv(self.ln(joint_BJD)))
        gate_BJE, value_BJE, base_BJS = mixed.split([self.expanded, self.expanded, QUERY_SIZE], dim=-1)
        query_BJS, key_BJS = (base_BJS[:, :, None] * self.gamma + self.beta).unbind(2)
        agreement_BJJ = query_BJS @ key_BJS.mT / QUERY_SIZE**0.5
        return self.o(gate_BJE * (agreement_BJJ.relu().square() @ value_BJE))
