"""The evidence in the distance between two answers for a joint, whatever maps they come from.

Legend: B crops, U union joints.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

LEAST_SIGMA = 0.05
"""MPII's pelvis, thorax, neck and head have borrowed OKS sigmas of 0.026, tighter than any of its labels."""
SIGMAS = 0.4
"""Of a joint's OKS sigma: the error of an answer that is right. Distances are measured in it."""
DEGREES = 4.0
"""Of freedom of Student's t: so far out that neither answer would be called right, the nearer of two still
counts more, which a Gaussian's underflow would lose."""
WRONG_AT = 6.0
"""Tolerances from the truth, about two and a half sigmas, at which an answer is as likely wrong as right."""


def tolerance(sigmas: Sequence[float], body_B: Float[Tensor, " b"]) -> Float[Tensor, "b u"]:
    """How far off a right answer is, input pixels: of each person (`body_B` is the square root of their area)
    and joint (`sigmas` are OKS's)."""
    sigma_U = body_B.new_tensor(list(sigmas)).clamp_min(LEAST_SIGMA)
    return SIGMAS * body_B[:, None] * sigma_U


def log_agreement(
    one: Float[Tensor, "*t b u 2"], other: Float[Tensor, "*t b u 2"], tolerance_BU: Float[Tensor, "b u"]
) -> Float[Tensor, "*t b u"]:
    """Log-density of their distance in tolerances by Student's t, relative to that of no distance."""
    return _log_t((one - other).norm(dim=-1) / tolerance_BU.clamp_min(1e-6))


def log_wrong(like: Tensor) -> Float[Tensor, ""]:
    """The same of an answer that is wrong, wherever it lies."""
    return _log_t(like.new_tensor(WRONG_AT))


def _log_t(distance: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    return -(DEGREES + 1) / 2 * torch.log1p(distance**2 / DEGREES)
