"""The numbers that details.json has of one model on one dataset: functions from its scores to a fraction, or
to None where there is nothing to measure. Another one is a function in a file of its own: docs/extending.md.
"""

from functools import partial

from student.evaluation.metrics.calibration_error import calibration_error
from student.evaluation.metrics.oks import STATISTICS
from student.evaluation.metrics.pck import LIMB_JOINTS
from student.evaluation.scores import Scores


def _oks(statistic: str, scores: Scores) -> float | None:
    return scores.oks.get(statistic)


ap, ap50, ap75, ap_medium, ap_large, ar, ar50, ar75, ar_medium, ar_large = (
    partial(_oks, statistic) for statistic in STATISTICS
)


def pck20_limbs(scores: Scores) -> float | None:
    """Within 0.2 of the torso's length, over the twelve joints that nearly all datasets have."""
    return None if scores.torso is None else scores.torso.over(LIMB_JOINTS)


def pck20(scores: Scores) -> float | None:
    """The same over all joints of the dataset."""
    return None if scores.torso is None else scores.torso.over(scores.torso.joints)


def pckh50(scores: Scores) -> float | None:
    """Within half of the head segment's length."""
    return None if scores.head is None else scores.head.over(scores.head.joints)


def ece(scores: Scores) -> float | None:
    """How far scores are from being probabilities: less is better."""
    return calibration_error(scores.reliability)
