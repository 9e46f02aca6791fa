"""Which convention defines where a union joint lies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.conventions.convention import Convention, Kind
from pipeline.conventions.registry import BUILTIN, builtin_union_joints
from pipeline.errors import KDError, unknown_name


@dataclass(frozen=True)
class Definer:
    """The joint of a convention that a union joint is."""

    convention: str
    joint: str
    kind: Kind
    """`similar`: a stand-in, because no convention in use is `same` as the union joint."""
    sigma: float
    """Its OKS sigma."""
    weight: float = 1.0
    """By which the joint counts in training."""


def in_canonical_order(conventions: Sequence[Convention]) -> list[Convention]:
    """Each convention once: the built-in ones in the registry's order, then the user's by name.

    Raises:
        KDError: none was given, or two that differ have one name.
    """
    by_name: dict[str, Convention] = {}
    for convention in conventions:
        if by_name.setdefault(convention.name, convention) != convention:
            raise KDError(
                f"two different conventions go by the name {convention.name!r}. Give one of them another "
                "name (a convention file goes by its file name)."
            )
    if not by_name:
        raise KDError("a union needs at least one convention, but none was named. Name one, such as coco17.")
    return sorted(by_name.values(), key=canonical_place)


def canonical_place(convention: Convention) -> tuple[int, str, str]:
    """Sorting key of the canonical order."""
    place = BUILTIN.index(convention.origin) if convention.origin in BUILTIN else len(BUILTIN)
    return place, convention.origin, convention.name


def definers_of(ordered: Sequence[Convention]) -> dict[str, Definer]:
    """The definer of every union joint that conventions in canonical order stand for.

    The first convention that is `same` as a union joint defines it; where none is, the first `similar` one.
    Union joints are in canonical order too: COCO's 17, MPII's four, those of the other built-in
    conventions, then the user's.

    Raises:
        KDError: a joint is similar to a union joint that no convention provides.
    """
    declared = [(c, joint, *to) for c in ordered for joint in c.joints for to in c.declared(joint)]
    definers: dict[str, Definer] = {}
    for wanted in ("same", "similar"):
        for convention, joint, kind, union in declared:
            if kind == wanted and union not in definers:
                if kind == "similar":
                    _check_known(convention, joint, union, definers)
                row = convention.index(joint)
                sigma, weight = convention.sigmas[row], convention.joint_weights[row]
                definers[union] = Definer(convention.origin, joint, kind, sigma, weight)
    canonical = dict.fromkeys((*builtin_union_joints(), *(union for *_, union in declared)))
    return {union: definers[union] for union in canonical if union in definers}


def _check_known(convention: Convention, joint: str, union: str, provided: Iterable[str]) -> None:
    """A built-in union joint may go without a `same`; any other is taken for a misspelling."""
    known = {*builtin_union_joints(), *provided}
    if union not in known:
        error = unknown_name("union joint", union, known)
        raise KDError(
            f"{convention.name} has {joint!r} similar to a union joint that no convention provides: {error}"
        )
