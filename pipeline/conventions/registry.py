"""Conventions by name: the built-in ones, and YAML files of the user's."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from pipeline.conventions.convention import Convention
from pipeline.conventions.convention_file import read_convention
from pipeline.errors import KDError, unknown_name

BUILTIN = (
    "coco17",
    "mpii16",
    "aic14",
    "crowdpose14",
    "jhmdb15",
    "posetrack18",
    "ochuman17",
    "humanart17",
    "humanart21",
    "halpe26",
    "lsp14",
)
"""In canonical order: it decides the order of union joints, and who defines one that several provide."""

_FOLDER = Path(__file__).parent / "builtin"


def load_convention(name_or_path: str, root: Path | None = None) -> Convention:
    """A built-in convention by its name, or the one in a YAML file, relative to `root`.

    Raises:
        KDError: nothing goes by the name; the file is missing or wrong, or is named like a built-in one.
    """
    if name_or_path in BUILTIN:
        return builtin_convention(name_or_path)
    if not name_or_path.endswith((".yaml", ".yml")):
        error = unknown_name("convention", name_or_path, BUILTIN)
        raise KDError(f"{error} One of your own goes by the path of its .yaml file.")
    convention = read_convention((root or Path()) / name_or_path, builtin_union_joints())
    if convention.name in BUILTIN:
        raise KDError(
            f"the convention file {name_or_path} has the name of the built-in convention {convention.name}. "
            "Rename the file, or use the built-in one by its name."
        )
    return convention


def meanings_of(names: Iterable[str | None], root: Path) -> dict[str, str]:
    """What each of these conventions means, as a hash, by its name or path; None is none.

    Raises:
        KDError: `load_convention`.
    """
    return {name: load_convention(name, root).meaning_sha256 for name in names if name is not None}


def builtin_path(name: str) -> Path:
    """The file of one of BUILTIN, which opens with a comment on its source."""
    return _FOLDER / f"{name}.yaml"


@cache
def builtin_convention(name: str) -> Convention:
    """One of BUILTIN."""
    return read_convention(builtin_path(name))


@cache
def builtin_union_joints() -> tuple[str, ...]:
    """Every union joint that a built-in convention stands for, in canonical order.

    COCO's 17 come first, then MPII's pelvis, thorax, upper_neck and head_top.
    """
    conventions = (builtin_convention(name) for name in BUILTIN)
    return tuple(
        dict.fromkeys(
            union
            for convention in conventions
            for joint in convention.joints
            for _, union in convention.declared(joint)
        )
    )
