"""The YAML file of a convention: one line per joint, so that nothing can shift against the names."""

import difflib
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from pipeline.conventions.convention import Convention
from pipeline.errors import KDError, unknown_name
from pipeline.files.yaml_file import load_yaml
from pipeline.params import Section, parse_section

NEARLY = 0.85
"""From this likeness on a name is taken for another one misspelt; that of left_hip and right_hip is 0.71."""


def _listed(names: object) -> object:
    return (names,) if isinstance(names, str) else names


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""One name, or a list of names."""


class JointLine(Section):
    """What a convention's file says of one joint."""

    sigma: float = Field(gt=0.0, le=1.0, allow_inf_nan=False)
    """OKS sigma."""
    weight: float = Field(default=1.0, ge=0.0, allow_inf_nan=False)
    """Weight of the joint's ground-truth loss."""
    mirror: str | None = None
    """The joint on the other side of the body; none: the joint is its own mirror."""
    same: Names = ()
    """The union joint at this very place; without `same`, `similar` and `dropped`: the one of this name."""
    similar: Names = ()
    """A union joint near this place, annotated differently."""
    dropped: str | None = Field(default=None, min_length=1)
    """Why the joint stands for no union joint."""


class ConventionFile(Section):
    """A convention as YAML."""

    joints: dict[str, JointLine]
    """By name, in the dataset's order."""
    limbs: tuple[tuple[str, str], ...] = ()
    head_segment: tuple[str, str] | None = None
    new: Names = ()
    """Union joints that no built-in convention has, though one is called nearly so: meant, not misspelt."""


def read_convention(path: Path, known: Collection[str] = ()) -> Convention:
    """The convention in a YAML file, named after the file.

    Raises:
        KDError: the file is missing, is not YAML, its parts do not fit each other, or it has a union joint
            whose name is nearly one of the `known` ones.
    """
    if not path.is_file():
        raise KDError(f"there is no convention file {path}. Write it, or name a built-in convention.")
    lines = parse_section(ConventionFile, load_yaml(path), str(path))
    try:
        convention = _convention(path.stem, lines)
        _check_spelling(convention, lines.new, known)
        return convention
    except KDError as error:
        raise KDError(f"{path}: {error}") from None


def _convention(name: str, lines: ConventionFile) -> Convention:
    joints = lines.joints
    return Convention(
        name=name,
        joints=tuple(joints),
        flip_pairs=_flip_pairs(joints),
        sigmas=tuple(line.sigma for line in joints.values()),
        joint_weights=tuple(line.weight for line in joints.values()),
        limbs=lines.limbs,
        head_segment=lines.head_segment,
        same={joint: line.same for joint, line in joints.items() if line.same},
        similar={joint: line.similar for joint, line in joints.items() if line.similar},
        dropped={joint: line.dropped for joint, line in joints.items() if line.dropped is not None},
    )


def _check_spelling(convention: Convention, new: Collection[str], known: Collection[str]) -> None:
    """A misspelt joint would be one more joint of the union, which no other dataset or teacher has."""
    for joint in convention.joints:
        for _, union in convention.declared(joint):
            near = difflib.get_close_matches(union, known, n=1, cutoff=NEARLY)
            if near and union not in known and union not in new:
                raise KDError(
                    f"{joint!r} stands for the union joint {union!r}, which no built-in convention has. Did "
                    f"you mean {near[0]!r}? If it is a joint of its own, add a line to say so: new: [{union}]"
                )


def _flip_pairs(joints: dict[str, JointLine]) -> tuple[tuple[str, str], ...]:
    """Each pair once, where its first joint stands. Raises KDError unless both joints name each other."""
    pairs: dict[frozenset[str], tuple[str, str]] = {}
    for joint, line in joints.items():
        if line.mirror is None:
            continue
        if line.mirror not in joints:
            raise KDError(f"{joint}, mirror: {unknown_name('joint', line.mirror, joints)}")
        back = joints[line.mirror].mirror
        if back != joint or line.mirror == joint:
            raise KDError(
                f"{joint!r} names {line.mirror!r} as its mirror, which names {back!r}. "
                "Let the two sides name each other; a joint that mirrors itself names none."
            )
        pairs.setdefault(frozenset((joint, line.mirror)), (joint, line.mirror))
    return tuple(pairs.values())
