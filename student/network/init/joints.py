"""Which of a network's joints are which of a union's."""

from collections.abc import Sequence

from pipeline.conventions.convention import Convention
from pipeline.conventions.registry import BUILTIN, builtin_convention
from pipeline.conventions.union import UnionSkeleton


def rows_by_name(names: Sequence[str], union: UnionSkeleton) -> dict[str, int]:
    """Each union joint's place among the names; joints that are not there are left out."""
    return {joint: list(names).index(joint) for joint in union.joints if joint in names}


def rows_by_relation(convention: Convention, union: UnionSkeleton) -> dict[str, int]:
    """For each union joint, the convention's that stands for it: the `same`, or else a `similar` one."""
    rows: dict[str, int] = {}
    for relation in sorted(union.relations_of(convention), key=lambda relation: relation.kind != "same"):
        rows.setdefault(union.joints[relation.union], relation.source)
    return rows


def convention_of(names: Sequence[str]) -> Convention | None:
    """The built-in convention that has just these joints, in whatever order."""
    conventions = (builtin_convention(name) for name in BUILTIN)
    return next((found for found in conventions if set(found.joints) == set(names)), None)
