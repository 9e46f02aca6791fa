"""A union skeleton as text: which convention provides which joint, and what is dropped."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.conventions.convention import Convention
from pipeline.conventions.union import UnionSkeleton


def describe_union(union: UnionSkeleton, conventions: Sequence[Convention]) -> str:
    """A text table, one row per union joint and one column per convention, with the dropped joints below it.

    A cell says how the convention stands to the joint, with its own name for it where that differs.
    """
    values = union_as_dict(union, conventions)
    columns = list(values["conventions"])
    table = [["", "joint", "sigma", *columns]]
    for joint in values["joints"]:
        cells = (_cell(joint, joint["provided_by"].get(column, ())) for column in columns)
        table.append([str(joint["index"]), joint["name"], f"{joint['sigma']:.4g}", *cells])
    head = f"{union.num_joints} union joints. same: weight 1, similar: weight {union.similar_weight:g}."
    return "\n".join([head, "", *_aligned(table), "", *_dropped_lines(values["dropped"])])


def union_as_dict(union: UnionSkeleton, conventions: Sequence[Convention]) -> dict[str, Any]:
    """What `describe_union` says, in types that JSON knows."""
    by_name = {convention.name: convention for convention in conventions}
    return {
        "conventions": {name: list(convention.joints) for name, convention in by_name.items()},
        "similar_weight": union.similar_weight,
        "joints": [
            {
                "index": index,
                "name": joint,
                "mirror": union.joints[union.flip_permutation[index]],
                "sigma": union.sigmas[index],
                "provided_by": _providers(union, by_name, index),
            }
            for index, joint in enumerate(union.joints)
        ],
        "limbs": [list(limb) for limb in union.limbs],
        "dropped": {name: _dropped(union, convention) for name, convention in by_name.items()},
    }


def _providers(
    union: UnionSkeleton, conventions: Mapping[str, Convention], index: int
) -> dict[str, list[dict[str, Any]]]:
    providers: dict[str, list[dict[str, Any]]] = {}
    for name, convention in conventions.items():
        for relation in union.relations_of(convention):
            if relation.union == index:
                joint = convention.joints[relation.source]
                entry = {"joint": joint, "relation": relation.kind, "weight": relation.weight}
                providers.setdefault(name, []).append(entry)
    return providers


def _dropped(union: UnionSkeleton, convention: Convention) -> dict[str, str]:
    """Reason by dropped joint."""
    related = {convention.joints[relation.source] for relation in union.relations_of(convention)}
    return {
        joint: convention.dropped.get(joint, "its union joint was not asked for")
        for joint in convention.joints
        if joint not in related
    }


def _cell(joint: Mapping[str, Any], provided: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(
        each["relation"] + ("" if each["joint"] == joint["name"] else f" ({each['joint']})")
        for each in provided
    )


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def _dropped_lines(dropped: Mapping[str, Mapping[str, str]]) -> list[str]:
    lines = [
        f"DROPPED {name} {joint}: {why}" for name, joints in dropped.items() for joint, why in joints.items()
    ]
    return lines or ["Nothing is dropped: every joint of every convention stands for a union joint."]
