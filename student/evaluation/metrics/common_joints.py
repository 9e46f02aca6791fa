"""The joints that several datasets have in common, whatever each calls them."""

from collections.abc import Sequence

from pipeline.conventions.convention import Convention
from pipeline.conventions.definer import definers_of, in_canonical_order
from pipeline.conventions.relation import best_relations, relate


def common_joints(conventions: Sequence[Convention]) -> dict[str, tuple[str, ...]]:
    """By convention name: its joints for those union joints that all have one for, `same` or `similar`.

    The tuples are of one length and in one order, that of the union of these conventions. Where two joints of
    a convention stand for one union joint, it is the one annotated alike.

    Raises:
        KDError: two conventions that differ have one name.
    """
    ordered = in_canonical_order(conventions)
    definers = definers_of(ordered)
    of_union: dict[str, dict[int, str]] = {}
    for convention in ordered:
        best = best_relations(relate(convention, definers, similar_weight=0.0))
        joints = of_union.setdefault(convention.name, {})
        for relation in sorted(best, key=lambda relation: relation.kind != "same"):
            joints.setdefault(relation.union, convention.joints[relation.source])
    shared = sorted(set.intersection(*(set(joints) for joints in of_union.values())))
    return {name: tuple(joints[union] for union in shared) for name, joints in of_union.items()}
