"""The table of built-in conventions in docs/conventions.md."""

from itertools import takewhile

from pipeline.conventions.convention import Convention
from pipeline.conventions.registry import BUILTIN, builtin_convention, builtin_path
from stages.documentation.markdown import table

_COLUMNS = ("name", "joints, in order", "not simply the union joint of its name", "source")


def convention_table() -> str:
    """A row for each built-in convention, in canonical order."""
    return table(_COLUMNS, [_row(builtin_convention(name)) for name in BUILTIN])


def _row(convention: Convention) -> tuple[str, ...]:
    joints = f"{convention.num_joints}: {', '.join(convention.joints)}"
    return f"`{convention.name}`", joints, "; ".join(_others(convention)), _source(convention.name)


def _others(convention: Convention) -> list[str]:
    """Every joint that is not simply the union joint of its name."""
    similar = [f"{joint}: similar to {', '.join(unions)}" for joint, unions in convention.similar.items()]
    same = [f"{joint}: the same as {', '.join(unions)}" for joint, unions in convention.same.items()]
    return similar + same + [f"{joint}: dropped, {why}" for joint, why in convention.dropped.items()]


def _source(name: str) -> str:
    """The first paragraph of the comment that opens its file."""
    lines = builtin_path(name).read_text(encoding="utf-8").splitlines()
    return " ".join(line.removeprefix("# ") for line in takewhile(lambda line: line.startswith("# "), lines))
