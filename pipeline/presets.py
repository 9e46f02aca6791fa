"""Settings of published trainings, by name, for `distill.preset` in params.yaml.

`paper` has the choices of "Estimating Human Poses Across Datasets" (arXiv 2405.20084): two teachers, 0.3 for
the ground truth and 0.25 and 0.45 for the teachers in the order of `cells.teachers`, distillation that decays
over the epochs, labels as softmaxes with beta 10. `paper-literal` adds the terms up as its code does.
"""

from collections.abc import Mapping
from typing import Any

from pipeline.errors import KDError

TEACHER_WEIGHTS = (0.25, 0.45)
_DISTILL = {"weight": 1.0, "schedule": "decay", "weighting": "fixed", "loss": "kl", "temperature": 1.0}
_TRAIN = {"ground_truth_weight": 0.3, "label_beta": 10.0}
PRESETS = {"paper": {}, "paper-literal": {"original_sum": True}}
"""What each sets in `distill` besides what they share."""


def with_preset(params: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping of a whole params.yaml with what its preset sets filled in; what is written there wins.

    Raises:
        KDError: an unknown preset, or not two teachers.
    """
    sections = [params.get(name) or {} for name in ("distill", "train", "cells")]
    if not all(isinstance(section, Mapping) for section in sections):
        return dict(params)  # what is wrong with them is told where sections are checked
    distill, train, _ = sections
    name = distill.get("preset")
    if name is None:
        return dict(params)
    if not isinstance(name, str) or name not in PRESETS:
        raise KDError(f"distill.preset is {name!r}, but there are only {' and '.join(PRESETS)}.")
    filled = {**_DISTILL, **PRESETS[name], **distill}
    if distill.get("teachers") is None:
        filled["teachers"] = _teachers(name, params)
    return {**params, "distill": filled, "train": {**_TRAIN, **train}}


def _teachers(name: str, params: Mapping[str, Any]) -> dict[str, float]:
    teachers = tuple((params.get("cells") or {}).get("teachers") or ())
    if len(teachers) != len(TEACHER_WEIGHTS):
        raise KDError(
            f"distill.preset {name} is for two teachers, but cells.teachers names {len(teachers)}"
            f"{': ' if teachers else ''}{', '.join(map(str, teachers))}. Say which two, and their weights: "
            "distill.teachers: {FIRST: 0.25, SECOND: 0.45}"
        )
    return dict(zip(teachers, TEACHER_WEIGHTS, strict=True))
