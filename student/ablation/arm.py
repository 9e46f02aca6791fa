"""The arms of an ablation, each with its whole params."""

import copy
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import KDError
from pipeline.params import Params, is_section, parse_params
from student.ablation.ablation_file import AblationFile, Overrides

ARM_SECTIONS = ("skeleton", "student", "train", "distill")
"""What can differ from arm to arm: what a training depends on besides the one extraction."""
BASE_SECTIONS = (*ARM_SECTIONS, "evaluate", "runtime")
SEED = "train.seed"


@dataclass(frozen=True)
class Arm:
    """One way to train; its runs differ in the seed alone."""

    name: str
    params: Params


def resolve_arms(file: AblationFile, workspace_values: Mapping[str, Any], source: str) -> list[Arm]:
    """Every arm of `arms`, then of `grid`, each applied to the workspace's params.yaml and checked like it.

    Raises:
        KDError: there is no arm or two have one name; a setting is unknown, has a value that params.yaml
            would not be allowed, or is not one that an arm may change.
    """
    own = dict(_single_settings(file.base))
    _check_settings(own, BASE_SECTIONS, f"{source}, base")
    base = _with_overrides(workspace_values, own)
    arms = [
        Arm(name, arm_params(base, overrides, f"{source}, arm {name}"))
        for name, overrides in _all_overrides(file, source).items()
    ]
    if not arms:
        raise KDError(f"{source} has no arm. List the trainings to compare under arms, or give a grid.")
    return arms


def _all_overrides(file: AblationFile, source: str) -> dict[str, Overrides]:
    found = dict(file.arms)
    for overrides in _grid_points(file.grid):
        name = _grid_name(overrides, source)
        if name in found:
            raise KDError(f"{source}: two arms are called {name!r}. Give one of them another name.")
        found[name] = overrides
    return found


def _grid_points(grid: Mapping[str, tuple[Any, ...]]) -> Iterator[Overrides]:
    if grid:
        for values in itertools.product(*grid.values()):
            yield dict(zip(grid, values, strict=True))


def _grid_name(overrides: Overrides, source: str) -> str:
    """`temperature=1,weight=0.5`; settings go by their last part where that is unique."""
    last = [setting.rpartition(".")[2] for setting in overrides]
    names = last if len(set(last)) == len(last) else list(overrides)
    values = (_value_name(setting, value, source) for setting, value in overrides.items())
    return ",".join(f"{name}={value}" for name, value in zip(names, values, strict=True))


def _value_name(setting: str, value: Any, source: str) -> str:
    if isinstance(value, list | tuple):
        return "+".join(_value_name(setting, inner, source) for inner in value)
    if isinstance(value, Mapping):
        raise KDError(
            f"{source}, grid: {setting} has the value {dict(value)}, of which no arm's name can be made. "
            "Give it an arm with a name of its own, under arms."
        )
    return str(value).replace("/", "-").replace(" ", "-")


def arm_params(base: Mapping[str, Any], overrides: Overrides, source: str) -> Params:
    """The params of one training: those of params.yaml with some changed, and checked like it. What a
    workspace does beside its student (pictures, other students) is left out.

    Raises:
        KDError: a setting is unknown, has a value that params.yaml would not be allowed, or is not one that
            an arm may change.
    """
    overrides = dict(_single_settings(overrides))
    _check_settings(overrides, ARM_SECTIONS, source)
    try:
        params = parse_params(_with_overrides(base, overrides), source)
    except KDError as error:
        # Names that nothing goes by are found by params.yaml's own check, which cannot know of the arm.
        raise error if str(error).startswith(source) else KDError(f"{source}: {error}") from None
    evaluate = params.evaluate.model_copy(update={"overlays": 0, "students": {}})
    train = params.train.model_copy(update={"baselines": {}})
    return params.model_copy(update={"evaluate": evaluate, "train": train})


def _check_settings(overrides: Overrides, allowed: tuple[str, ...], source: str) -> None:
    for setting in overrides:
        if setting == SEED:
            raise KDError(f"{source} sets {SEED}, but every arm is trained with all `seeds`. List it there.")
        if setting.partition(".")[0] not in allowed:
            raise KDError(
                f"{source} sets {setting}, but only settings of {', '.join(allowed)} can be changed here: "
                "all runs share the workspace's crops and stores, and are evaluated alike. (A teacher is "
                "taken out by distill.teachers, a dataset by train.datasets.) Remove it, or set it in "
                "params.yaml."
            )


def _single_settings(overrides: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """Overrides with sections taken apart: `distill: {weight: 0}` is `distill.weight: 0`, so that what a
    section does not name there stays as it is."""
    for name, value in overrides.items():
        setting = f"{place}{name}"
        if isinstance(value, Mapping) and is_section(setting):
            yield from _single_settings(value, f"{setting}.")
        else:
            yield setting, value


def _with_overrides(values: Mapping[str, Any], overrides: Overrides) -> dict[str, Any]:
    """A copy of nested `values`, changed at dotted places."""
    changed = copy.deepcopy(dict(values))
    for setting, value in overrides.items():
        *parents, last = setting.split(".")
        place = changed
        for parent in parents:
            if not isinstance(place.get(parent), dict):
                place[parent] = {}
            place = place[parent]
        place[last] = copy.deepcopy(value)
    return changed
