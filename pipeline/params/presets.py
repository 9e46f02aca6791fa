"""Settings of published distillations, by name, for `distill.preset` in params.yaml.

`paper` has the choices of "Estimating Human Poses Across Datasets" (arXiv 2405.20084): two teachers, 0.25 and
0.45 for them in the order of `cells.teachers`, distillation that decays over the epochs, beside 0.3 for the
ground truth and labels as softmaxes with beta 10. `paper-literal` adds the terms up as its code does.

A preset fills the section `distill` and no other: what goes with it in `train` has to be written there.
"""

from collections.abc import Mapping
from typing import Any

from pipeline.errors import KDError

TEACHER_WEIGHTS = (0.25, 0.45)
_DISTILL = {
    "weight": 1.0,
    "schedule": "decay",
    "weighting": "fixed",
    "share": "teacher",
    "loss": "kl",
    "temperature": 1.0,
}
TRAIN = {"ground_truth_weight": 0.3, "label_beta": 10.0}
"""What these presets need of `train`."""
PRESETS = {"paper": {}, "paper-literal": {"original_sum": True}}
"""What each sets in `distill` besides what they share."""


def with_preset(params: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping of a whole params.yaml with what its preset sets filled in; what is written there wins.

    Raises:
        KDError: an unknown preset, or not two teachers.
    """
    distill, cells = (params.get(name) or {} for name in ("distill", "cells"))
    if not isinstance(distill, Mapping) or not isinstance(cells, Mapping):
        return dict(params)  # what is wrong with them is reported where sections are checked
    name = distill.get("preset")
    if name is None:
        return dict(params)
    if not isinstance(name, str) or name not in PRESETS:
        raise KDError(f"distill.preset is {name!r}, but there are only {' and '.join(PRESETS)}.")
    filled = {**_DISTILL, **PRESETS[name], **distill}
    if distill.get("teachers") is None:
        filled["teachers"] = _teachers(name, params)
    return {**params, "distill": filled}


def check_preset(distill: Mapping[str, Any], train: Mapping[str, Any]) -> None:
    """Whether labels are taught as the preset has it; without distillation there is nothing to go with.

    Raises:
        KDError: they are not; says what to write.
    """
    others = [name for name, value in TRAIN.items() if train[name] != value]
    if distill["preset"] is None or distill["weight"] == 0 or not others:
        return
    found = " and ".join(f"train.{name} is {train[name]}" for name in others)
    written = ", ".join(f"{name}: {TRAIN[name]:g}" for name in others)
    raise KDError(
        f"params.yaml, distill.preset is {distill['preset']}, which goes with train.ground_truth_weight "
        f"{TRAIN['ground_truth_weight']:g} and train.label_beta {TRAIN['label_beta']:g}, but {found}. Write "
        f"into params.yaml, under train: {written}. Or remove distill.preset and write out its settings."
    )


def _teachers(name: str, params: Mapping[str, Any]) -> dict[str, float]:
    teachers = tuple((params.get("cells") or {}).get("teachers") or ())
    if len(teachers) != len(TEACHER_WEIGHTS):
        raise KDError(
            f"distill.preset {name} is for two teachers, but cells.teachers names {len(teachers)}"
            f"{': ' if teachers else ''}{', '.join(map(str, teachers))}. Say which two, and their weights: "
            "distill.teachers: {FIRST: 0.25, SECOND: 0.45}"
        )
    return dict(zip(teachers, TEACHER_WEIGHTS, strict=True))
