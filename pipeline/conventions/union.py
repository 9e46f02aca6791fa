"""The union skeleton: the joints a student predicts."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from pipeline.conventions.convention import Convention, Kind, mirror_permutation
from pipeline.conventions.definer import Definer, canonical_place, definers_of, in_canonical_order
from pipeline.conventions.relation import Relation, best_relations, relate
from pipeline.errors import KDError, unknown_name


@dataclass(frozen=True)
class UnionSkeleton:
    """The union over some conventions, in canonical order: COCO's joints, then MPII's four, then the rest.

    Every union joint is some convention's joint, its definer, which lends it its sigma. Where the
    conventions in use have only joints `similar` to it (AIC alone has a neck, but no upper_neck), the
    canonically first of them stands in.
    """

    joints: tuple[str, ...]
    flip_pairs: tuple[tuple[str, str], ...]
    sigmas: tuple[float, ...]
    limbs: tuple[tuple[str, str], ...]
    definers: tuple[Definer, ...]
    relations: Mapping[str, tuple[Relation, ...]] = field(hash=False)
    """By convention name."""
    dropped: Mapping[str, tuple[str, ...]] = field(hash=False)
    """By convention name: the joints that stand for no union joint."""
    similar_weight: float

    @property
    def num_joints(self) -> int:
        return len(self.joints)

    @property
    def joint_weights(self) -> tuple[float, ...]:
        """By which joints count in training: their definers'."""
        return tuple(definer.weight for definer in self.definers)

    @property
    def flip_permutation(self) -> tuple[int, ...]:
        """`p` such that joint j of a mirrored crop is joint p[j] of the crop."""
        return mirror_permutation(self.joints, self.flip_pairs)

    def relations_of(self, convention: Convention) -> tuple[Relation, ...]:
        """How `convention` stands to this union, by joint name; it need not be one of those united."""
        return relate(convention, dict(zip(self.joints, self.definers, strict=True)), self.similar_weight)

    def weights(self, convention: Convention) -> Float[np.ndarray, "K U"]:
        """Relation weight of the convention's joint k to union joint u; 0 where they are not related."""
        weights_KU = np.zeros((convention.num_joints, self.num_joints), np.float32)
        for relation in self.relations_of(convention):
            weights_KU[relation.source, relation.union] = relation.weight
        return weights_KU

    def to_convention(self, convention: Convention) -> tuple[Relation, ...]:
        """The best relation of each of the convention's joints: where to read it out of a union prediction.

        Joints without a relation are left out: the union cannot predict them.
        """
        return best_relations(self.relations_of(convention))

    def as_convention(self) -> Convention:
        """The union's joints as a convention, for people who have no convention of their own."""
        return Convention(
            name="union skeleton",
            joints=self.joints,
            flip_pairs=self.flip_pairs,
            sigmas=self.sigmas,
            joint_weights=self.joint_weights,
            limbs=self.limbs,
        )

    def as_dict(self) -> dict[str, Any]:
        """All of it in types that JSON knows."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "UnionSkeleton":
        """The union that gave `values` by `as_dict`, also after a trip through JSON, which turns tuples into
        lists."""
        return cls(
            joints=tuple(values["joints"]),
            flip_pairs=tuple((a, b) for a, b in values["flip_pairs"]),
            sigmas=tuple(values["sigmas"]),
            limbs=tuple((a, b) for a, b in values["limbs"]),
            definers=tuple(Definer(**definer) for definer in values["definers"]),
            relations={
                name: tuple(Relation(**relation) for relation in relations)
                for name, relations in values["relations"].items()
            },
            dropped={name: tuple(joints) for name, joints in values["dropped"].items()},
            similar_weight=values["similar_weight"],
        )


def build_union(
    conventions: Sequence[Convention], similar_weight: float = 0.5, joints: Sequence[str] | None = None
) -> UnionSkeleton:
    """The union over `conventions`, the same in whatever order they are listed.

    Args:
        similar_weight: weight of a relation `similar`, in [0, 1].
        joints: keep only these union joints, and drop what stands for others; None keeps all.

    Raises:
        KDError: no convention; two with one name; a union joint that no convention provides; conventions that
            disagree on a joint's mirror; one of `joints` without its mirror.
    """
    ordered = in_canonical_order(conventions)
    definers = definers_of(ordered)
    mirror = _mirrors(ordered)
    if joints is not None:
        definers = _restricted(definers, joints, mirror)
    names = tuple(definers)
    relations = {c.name: relate(c, definers, similar_weight) for c in ordered}
    return UnionSkeleton(
        joints=names,
        flip_pairs=tuple((a, mirror[a]) for a in names if names.index(a) < names.index(mirror[a])),
        sigmas=tuple(definer.sigma for definer in definers.values()),
        limbs=_limbs(ordered, names, relations),
        definers=tuple(definers.values()),
        relations=relations,
        dropped={c.name: _dropped(c, relations[c.name]) for c in ordered},
        similar_weight=similar_weight,
    )


def match_joints(source: Convention, target: Convention) -> list[tuple[int, int, Kind]]:
    """Which joint of `source` stands for which joint of `target`, through the union of both.

    Returns:
        (source joint, target joint, kind), by target joint; `same` only where both are `same` as one union
        joint. Target joints that nothing in `source` stands for are left out.
    """
    definers = definers_of(sorted((source, target), key=canonical_place))
    pairs: list[tuple[int, int, Kind]] = [
        (ours.source, theirs.source, "same" if ours.kind == theirs.kind == "same" else "similar")
        for theirs in relate(target, definers, 0.5)
        for ours in relate(source, definers, 0.5)
        if ours.union == theirs.union
    ]
    best: dict[int, tuple[int, int, Kind]] = {}
    for pair in sorted(pairs, key=lambda pair: pair[2] != "same"):
        best.setdefault(pair[1], pair)
    return [best[joint] for joint in sorted(best)]


def _mirrors(ordered: Iterable[Convention]) -> dict[str, str]:
    """Mirror of every union joint. Raises KDError where two conventions disagree on it."""
    mirrors: dict[str, tuple[str, str]] = {}
    for c in ordered:
        for joint, other in zip(c.joints, (c.joints[k] for k in c.flip_permutation), strict=True):
            for (_, union), (_, mirror) in zip(c.declared(joint), c.declared(other), strict=True):
                first, by = mirrors.setdefault(union, (mirror, c.name))
                if first != mirror:
                    raise KDError(
                        f"the mirror of union joint {union!r} is {first!r} after {by}, but {mirror!r} after "
                        f"{c.name} ({joint!r}). Correct the mirrors, or the union joints, of one of them."
                    )
    return {union: mirror for union, (mirror, _) in mirrors.items()}


def _restricted(
    definers: Mapping[str, Definer], joints: Sequence[str], mirror: Mapping[str, str]
) -> dict[str, Definer]:
    for joint in joints:
        if joint not in definers:
            raise KDError(
                f"a union joint that no convention provides: {unknown_name('union joint', joint, definers)}"
            )
        if mirror[joint] not in joints:
            raise KDError(
                f"the union is to have {joint!r} without its mirror {mirror[joint]!r}, but a mirrored crop "
                "needs both. Name both or neither."
            )
    return {union: definer for union, definer in definers.items() if union in joints}


def _limbs(
    ordered: Iterable[Convention], names: Sequence[str], relations: Mapping[str, tuple[Relation, ...]]
) -> tuple[tuple[str, str], ...]:
    """Every limb of every convention whose two ends are in the union, each once."""
    limbs: dict[frozenset[str], tuple[str, str]] = {}
    for c in ordered:
        union = {c.joints[r.source]: names[r.union] for r in best_relations(relations[c.name])}
        for a, b in c.limbs:
            if a in union and b in union and union[a] != union[b]:
                limbs.setdefault(frozenset((union[a], union[b])), (union[a], union[b]))
    return tuple(limbs.values())


def _dropped(convention: Convention, relations: Iterable[Relation]) -> tuple[str, ...]:
    related = {relation.source for relation in relations}
    return tuple(joint for k, joint in enumerate(convention.joints) if k not in related)
