"""What turns a student's scores into probabilities.

Legend: N crops, U union joints.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64

FAINT = 1e-4
"""Scores are kept from 0 and 1 by this before their logit is taken."""


@dataclass(frozen=True)
class ScoreCalibration:
    """The probability that a joint is right, from its score, by Platt scaling with a term per joint:

        logit p = slope logit(score) + intercept + offset of the joint

    Right means within `RIGHT_WITHIN` of the label (`student.evaluation.metrics.correctness`). `offsets` are
    by union joint, 0 where there is none; the slope is positive, so of two scores of one joint the higher
    stays the higher.
    `datasets` and `labels`, how many labelled joints, are what it was fitted on.
    """

    slope: float
    intercept: float
    offsets: Mapping[str, float] = field(default_factory=dict, hash=False)
    datasets: tuple[str, ...] = ()
    labels: int = 0

    def probability(
        self, score_NU: Float32[np.ndarray, "n u"], joints: Sequence[str]
    ) -> Float32[np.ndarray, "n u"]:
        """In 0..1; `joints` are the names of the columns."""
        offset_U = np.array([self.offsets.get(joint, 0.0) for joint in joints])
        logit_NU = self.slope * score_logit(score_NU) + self.intercept + offset_U
        return (1 / (1 + np.exp(-logit_NU))).astype(np.float32)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ScoreCalibration":
        """As student.json has it; JSON knows no tuples."""
        return cls(**{**values, "datasets": tuple(values["datasets"])})


def score_logit(score_NU: Float32[np.ndarray, "n u"]) -> Float64[np.ndarray, "n u"]:
    """The feature that calibrations are fitted on."""
    kept_NU = score_NU.astype(np.float64).clip(FAINT, 1 - FAINT)
    return np.log(kept_NU / (1 - kept_NU))
