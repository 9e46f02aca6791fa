"""Published trainings, every setting of `train`, by name, for `train.recipe` in params.yaml.

`rtmpose` trains as MMPose's `rtmpose-{t,s,m}_8xb256-420e_coco-256x192.py` do, which differ in weight decay
and averaging alone. A recipe fills the section `train` and no other; what it needs of `student` is checked.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.errors import KDError

RECIPES = ("rtmpose",)
FREE = (
    "datasets",
    "epochs",
    "batch_size",
    "steps_per_epoch",
    "sampling",
    "sampling_temperature",
    "sampling_caps",
    "ground_truth_weight",
    "occluded_weight",
    "calibrate_scores",
    "amp",
    "seed",
    "validation",
    "baselines",
)
"""Settings of `train` that may be written beside a recipe, with any value."""
EPOCHS, LAST_EPOCHS, BATCH_SIZE = 420, 30, 256
LEARNING_RATE, BASE_BATCH_SIZE = 0.004, 1024
"""The rate is for batches of this size, and in proportion for others (MMEngine's `auto_scale_lr`)."""
BACKBONES = {
    "cspnext_t": {"weight_decay": 0.0, "ema_decay": 0.0},
    "cspnext_s": {"weight_decay": 0.0, "ema_decay": 0.9998},
    "cspnext_m": {"weight_decay": 0.05, "ema_decay": 0.9998},
}
"""What sizes of RTMPose differ in; an `ema_decay` of 0 is no averaging."""
SIGMAS = {(192, 256): (4.9, 5.66), (256, 256): (5.66, 5.66), (288, 384): (6.0, 6.93)}
"""By input size (width, height), as MMPose's configs of RTMPose have them."""

_COURSE = {
    "schedule": "flat_cosine",
    "warmup_epochs": 1.0,  # no meaning beside warmup_steps: as by default
    "warmup_steps": 1000,
    "clip_grad_norm": None,
    "ema_ramp": "exponential",
    "label_beta": 10.0,
    "joint_weights": False,
    "amp": "off",
}
_AUGMENT = {
    "flip": 0.5,
    "rotation_degrees": 80.0,
    "scale": 0.4,
    "shift": 0.16,
    "distribution": "truncnorm",
    "shift_probability": 0.3,
    "shift_of": "padded",
    "half_body": 0.3,
    "stored_views": 0.0,
    "colour": 0.0,
    "hsv": [5, 30, 30],
    "blur": 0.1,
    "median_blur": 0.1,
    "dropout": 1.0,
    "dropout_size": [0.2, 0.4],
    "dropout_colour": "black",
    "mask_distillation": False,
}
_LAST_AUGMENT = {"rotation_degrees": 60.0, "scale": 0.25, "shift": 0.0, "dropout": 0.5}


def recipe_settings(backbone: Any, epochs: int = EPOCHS, batch_size: int = BATCH_SIZE) -> dict[str, Any]:
    """What the recipe `rtmpose` sets in `train` for this `student.backbone`, as params.yaml would have it.

    Raises:
        KDError: RTMPose has no such backbone.
    """
    if not isinstance(backbone, str) or backbone not in BACKBONES:
        raise KDError(
            f"params.yaml, train.recipe rtmpose is for student.backbone {', '.join(BACKBONES)}, but that is "
            f"{backbone or 'left out'}. Write one of them, or remove train.recipe."
        )
    return {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": LEARNING_RATE * batch_size / BASE_BATCH_SIZE,
        **BACKBONES[backbone],
        **_COURSE,
        "augment": dict(_AUGMENT),
        "last_epochs": {"epochs": min(LAST_EPOCHS, epochs), "augment": dict(_LAST_AUGMENT)},
    }


def with_recipe(params: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping of a whole params.yaml with what its recipe sets filled in.

    Settings may be written beside the recipe with its own values (an ablation's runs are), but with others
    only where they are free.

    Raises:
        KDError: an unknown recipe or one for other backbones, or a setting written with another value.
    """
    train, student = (params.get(name) or {} for name in ("train", "student"))
    if not isinstance(train, Mapping) or not isinstance(student, Mapping) or train.get("recipe") is None:
        return dict(params)  # what is wrong with a section is reported where sections are checked
    recipe = train["recipe"]
    if recipe not in RECIPES:
        raise KDError(f"train.recipe is {recipe!r}, but there is only {', '.join(RECIPES)}.")
    settings = recipe_settings(
        student.get("backbone"),
        _count(train.get("epochs"), EPOCHS),
        _count(train.get("batch_size"), BATCH_SIZE),
    )
    for setting, own, written in _differences(_in_full(settings), train, "train"):
        raise _another_value(recipe, setting, own, written)
    return {**params, "train": _merged(settings, train)}


def check_recipe(train: Mapping[str, Any], student: Mapping[str, Any]) -> None:
    """Refuse a student that the recipe in force does not fit; both sections whole.

    Raises:
        KDError: another head, or labels of another width.
    """
    if train["recipe"] is None:
        return
    own, size = _pair(student["sigma"]), tuple(student["input_size"])
    wanted = {"head": "rtmcc", "simcc_split_ratio": 2, "sigma": list(SIGMAS.get(size, own))}
    found = {**student, "sigma": own}
    wrong = [name for name in wanted if not _same(wanted[name], found[name])]
    if wrong:
        raise KDError(
            f"params.yaml, train.recipe {train['recipe']} at input_size {list(size)} does not go with "
            f"student.{', student.'.join(f'{name} {found[name]}' for name in wrong)}. Write under student: "
            f"{', '.join(f'{name}: {wanted[name]}' for name in wrong)}; or remove train.recipe."
        )


def _pair(sigma: float | Sequence[float]) -> list[float]:
    return list(sigma) if isinstance(sigma, Sequence) else [sigma, sigma]


def _count(value: Any, default: int) -> int:
    """What cannot be a number is left to the check of sections."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return default


def _in_full(settings: Mapping[str, Any]) -> dict[str, Any]:
    """With the augmentation of the last epochs written out, as far as it is that of the others too."""
    last = settings["last_epochs"]
    return {**settings, "last_epochs": {**last, "augment": {**settings["augment"], **last["augment"]}}}


def _differences(
    settings: Mapping[str, Any], written: Mapping[str, Any], place: str
) -> Iterator[tuple[str, Any, Any]]:
    """Settings with two values: the dotted name, the recipe's value, the written one."""
    for name, value in written.items():
        setting = f"{place}.{name}"
        if setting.removeprefix("train.") in FREE or name not in settings:
            continue
        if isinstance(settings[name], Mapping) and isinstance(value, Mapping):
            yield from _differences(settings[name], value, setting)
        elif not _same(settings[name], value):
            yield setting, settings[name], value


def _same(own: Any, written: Any) -> bool:
    """Whether two values mean the same: YAML knows no tuples, and takes 1e-3 for a string."""
    if isinstance(own, list) and isinstance(written, list | tuple):
        return len(own) == len(written) and all(map(_same, own, written))
    if isinstance(own, int | float) and not isinstance(own, bool):
        try:
            return math.isclose(own, float(written))
        except (TypeError, ValueError):
            return False
    return own == written


def _merged(settings: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**settings, **written}
    for name, value in settings.items():
        if isinstance(value, Mapping) and isinstance(written.get(name), Mapping):
            merged[name] = _merged(value, written[name])
    return merged


def _another_value(recipe: str, setting: str, own: Any, written: Any) -> KDError:
    shown = {key: "null" if value is None else value for key, value in (("own", own), ("written", written))}
    return KDError(
        f"params.yaml, {setting} is {shown['written']}, but train.recipe {recipe} sets {shown['own']}. "
        f"Remove {setting}; or remove train.recipe and write out its settings, which kd-pipeline recipe "
        f"{recipe} prints."
    )
