"""A dataset's named joints, in order."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from pipeline.errors import KDError, unknown_name
from pipeline.files.hashes import sha256_of_json

_OTHER_SIDE = {"left": "right", "right": "left", "l": "r", "r": "l"}
Kind = Literal["same", "similar"]
"""How a joint stands to a union joint: annotated at the same place, or near it."""


@dataclass(frozen=True)
class Convention:
    """Named joints in a dataset's order, with what evaluation, flipping and the union need to know of them.

    `sigmas` are OKS sigmas (per-joint standard deviation over the square root of the object's area, COCO's
    definition); `limbs` and `flip_pairs` name joints; `head_segment` names the two joints whose distance
    normalises PCKh, or is None where the convention has none.

    `same` and `similar` give, by joint, the union joints it stands for; a joint in neither is `same` as the
    union joint of its own name. `dropped` gives the reason of every joint that stands for none. `base` is
    the convention this one reorders, or None.

    Raises:
        KDError: the parts do not fit each other.
    """

    name: str
    joints: tuple[str, ...]
    flip_pairs: tuple[tuple[str, str], ...]
    sigmas: tuple[float, ...]
    joint_weights: tuple[float, ...]
    limbs: tuple[tuple[str, str], ...]
    head_segment: tuple[str, str] | None = None
    same: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    similar: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    dropped: Mapping[str, str] = field(default_factory=dict, hash=False)
    base: str | None = None

    def __post_init__(self) -> None:
        _check_counts(self)
        _check_names(self)
        _check_mirrors(self)
        _check_relations(self)

    @property
    def num_joints(self) -> int:
        return len(self.joints)

    @property
    def origin(self) -> str:
        """The convention whose meaning of the joint names this one shares: its base, or itself."""
        return self.base or self.name

    @property
    def flip_permutation(self) -> tuple[int, ...]:
        """`p` such that joint j of a mirrored crop is joint p[j] of the crop."""
        return mirror_permutation(self.joints, self.flip_pairs)

    @property
    def body_joints(self) -> tuple[str, ...]:
        """The joints by what they are: under the name of the union joint that each is the `same` as, where
        that is one and no joint of this convention has the name; else under their own."""
        unions = [self.same.get(joint, ()) for joint in self.joints]
        counts = Counter(union for names in unions for union in names)
        return tuple(
            names[0] if len(names) == 1 and counts[names[0]] == 1 and names[0] not in self.joints else joint
            for joint, names in zip(self.joints, unions, strict=True)
        )

    @property
    def meaning_sha256(self) -> str:
        """Hash of all that makes a convention another one, but for its name and the reasons of `dropped`."""
        meaning = asdict(self) | {"name": None, "dropped": sorted(self.dropped)}
        return sha256_of_json(meaning)

    def index(self, joint: str) -> int:
        """Raises KDError for a joint the convention does not have."""
        if joint not in self.joints:
            raise unknown_name(f"joint of {self.name}", joint, self.joints)
        return self.joints.index(joint)

    def declared(self, joint: str) -> tuple[tuple[Kind, str], ...]:
        """The union joints that `joint` stands for, `same` before `similar`; empty for a dropped joint."""
        if joint in self.dropped:
            return ()
        related: list[tuple[Kind, str]] = [("same", union) for union in self.same.get(joint, ())]
        related += [("similar", union) for union in self.similar.get(joint, ())]
        return tuple(related) or (("same", joint),)

    def reordered(self, joint_names: Sequence[str], name: str) -> "Convention":
        """These joints in another order, or a part of them, as a convention called `name`.

        Raises:
            KDError: a name that is not a joint of this convention, is there twice, or is there without
                its mirror.
        """
        rows = [self.index(joint) for joint in joint_names]
        kept = set(joint_names)
        for pair in self.flip_pairs:
            if len(kept.intersection(pair)) == 1:
                lone, lost = sorted(pair, key=lambda joint: joint not in kept)
                raise KDError(
                    f"{name} keeps {lone!r} of {self.name} without its mirror {lost!r}, but a mirrored crop "
                    "needs both. Name both or neither."
                )
        return replace(
            self,
            name=name,
            joints=tuple(joint_names),
            flip_pairs=tuple(pair for pair in self.flip_pairs if kept.issuperset(pair)),
            sigmas=tuple(self.sigmas[row] for row in rows),
            joint_weights=tuple(self.joint_weights[row] for row in rows),
            limbs=tuple(limb for limb in self.limbs if kept.issuperset(limb)),
            head_segment=self.head_segment if kept.issuperset(self.head_segment or ()) else None,
            same={joint: union for joint, union in self.same.items() if joint in kept},
            similar={joint: union for joint, union in self.similar.items() if joint in kept},
            dropped={joint: why for joint, why in self.dropped.items() if joint in kept},
            base=self.origin,
        )


def mirror_permutation(joints: Sequence[str], flip_pairs: Iterable[tuple[str, str]]) -> tuple[int, ...]:
    """`p` such that the mirror of joint j is joint p[j]; a joint in no pair is its own mirror."""
    mirror = {joint: joint for joint in joints}
    for left, right in flip_pairs:
        mirror[left], mirror[right] = right, left
    position = {joint: index for index, joint in enumerate(joints)}
    return tuple(position[mirror[joint]] for joint in joints)


def _check_counts(convention: Convention) -> None:
    name, joints = convention.name, convention.joints
    if not joints:
        raise KDError(f"convention {name} has no joints. Name at least one.")
    for what, values, least in (
        ("sigmas", convention.sigmas, "more than 0"),
        ("joint weights", convention.joint_weights, "0 or more"),
    ):
        if len(values) != len(joints):
            raise KDError(
                f"convention {name} has {len(values)} {what} for {len(joints)} joints. "
                "Give one for every joint, in the order of the joints."
            )
        for joint, value in zip(joints, values, strict=True):
            if not math.isfinite(value) or value < 0 or (value == 0 and what == "sigmas"):
                raise KDError(f"convention {name}: of {what}, {joint} has {value}. Give a number, {least}.")


def _check_names(convention: Convention) -> None:
    for joint, times in Counter(convention.joints).items():
        if times > 1:
            raise KDError(f"convention {convention.name} has the joint {joint!r} {times} times. Keep one.")
    named = {
        "flip_pairs": [joint for pair in convention.flip_pairs for joint in pair],
        "limbs": [joint for limb in convention.limbs for joint in limb],
        "head_segment": convention.head_segment or (),
        "same": convention.same,
        "similar": convention.similar,
        "dropped": convention.dropped,
    }
    for place, joints in named.items():
        for joint in joints:
            if joint not in convention.joints:
                error = unknown_name("joint", joint, convention.joints)
                raise KDError(f"convention {convention.name}, {place}: {error}")


def _check_mirrors(convention: Convention) -> None:
    name = convention.name
    paired = Counter(joint for pair in convention.flip_pairs for joint in pair)
    for joint, times in paired.items():
        if times > 1:
            raise KDError(
                f"convention {name}: {joint!r} is {times} times in flip_pairs, but has one mirror. "
                "Keep the pair that is right; a joint that mirrors itself is in none."
            )
    for joint in convention.joints:
        if joint.startswith(("left_", "right_")) and joint not in paired:
            raise KDError(
                f"convention {name}: {joint!r} names a side of the body, but has no mirror in flip_pairs, "
                "so a flipped image would teach the wrong side. Pair it with its other side."
            )
        other = next((twin for twin in _twins(joint) if twin in convention.joints), None)
        if other is not None and joint not in paired and other not in paired:
            raise KDError(
                f"convention {name}: {joint!r} and {other!r} sound like the two sides of the body, but have "
                "no mirrors, so a flipped image would teach the wrong side. Let each name the other."
            )


def _twins(joint: str) -> list[str]:
    """What the joint would be called on the other side: `l_thigh` and `thigh_L`, `LThigh` and `leftThigh`."""
    words = re.split(r"([^A-Za-z]+|(?<=[a-z])(?=[A-Z]))", joint)
    swapped = [_OTHER_SIDE.get(word.lower(), "") for word in words]
    twins = [
        "".join([*words[:place], _in_the_case_of(words[place], other), *words[place + 1 :]])
        for place, other in enumerate(swapped)
        if other
    ]
    for side, other in _OTHER_SIDE.items():  # run into the name, as in lthigh or LThigh
        if joint.lower().startswith(side) and len(joint) > len(side):
            twins.append(_in_the_case_of(joint[: len(side)], other) + joint[len(side) :])
    return twins


def _in_the_case_of(word: str, other: str) -> str:
    return other.upper() if word.isupper() else other.capitalize() if word[0].isupper() else other


def _check_relations(convention: Convention) -> None:
    for joint in convention.joints:
        unions = [*convention.same.get(joint, ()), *convention.similar.get(joint, ())]
        if joint in convention.dropped and unions:
            raise KDError(
                f"convention {convention.name}: {joint!r} is dropped and also stands for {unions[0]!r}. "
                "Keep one of the two."
            )
        if len(set(unions)) < len(unions):
            raise KDError(
                f"convention {convention.name}: {joint!r} stands for one union joint twice ({unions}). "
                "Name each once, as same or as similar."
            )
    for pair in convention.flip_pairs:
        left, right = ([kind for kind, _ in convention.declared(joint)] for joint in pair)
        if left != right:
            raise KDError(
                f"convention {convention.name}: {pair[0]!r} and its mirror {pair[1]!r} stand differently to "
                f"the union ({left or 'dropped'}, {right or 'dropped'}). Declare both sides alike."
            )
