"""How a convention's joints stand to union joints."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.conventions.convention import Convention, Kind
from pipeline.conventions.definer import Definer


@dataclass(frozen=True)
class Relation:
    """Joint `source` of a convention stands for joint `union` of the union (both are indices)."""

    source: int
    union: int
    kind: Kind
    weight: float
    """1 for `same`, the union's `similar_weight` for `similar`."""


def relate(
    convention: Convention, definers: Mapping[str, Definer], similar_weight: float
) -> tuple[Relation, ...]:
    """All relations of `convention` to the union joints that are the keys of `definers`, in order."""
    position = {union: index for index, union in enumerate(definers)}
    relations = []
    for source, joint in enumerate(convention.joints):
        for declared, union in convention.declared(joint):
            if union in position:
                kind = _kind(convention, joint, declared, definers[union])
                weight = 1.0 if kind == "same" else similar_weight
                relations.append(Relation(source, position[union], kind, weight))
    return tuple(relations)


def best_relations(relations: Iterable[Relation]) -> tuple[Relation, ...]:
    """Of each source joint, in order, its `same` relation, else its first `similar` one."""
    best: dict[int, Relation] = {}
    for relation in sorted(relations, key=lambda relation: relation.kind != "same"):
        best.setdefault(relation.source, relation)
    return tuple(best[source] for source in sorted(best))


def _kind(convention: Convention, joint: str, declared: Kind, definer: Definer) -> Kind:
    """What is declared; but a stand-in is `same` as itself, and all others are only similar to it."""
    if (definer.convention, definer.joint) == (convention.origin, joint):
        return "same"
    return declared if definer.kind == "same" else "similar"
