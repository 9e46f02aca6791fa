"""Which joint each of a teacher's channels is."""

from collections.abc import Mapping, Sequence

from pipeline.conventions.convention import Convention
from pipeline.errors import KDError


def teacher_convention(
    teacher: str, convention: Convention, joints_by_file: Mapping[str, Sequence[str]], channels: int
) -> Convention:
    """`convention` in the order of the teacher's `channels`.

    `joints_by_file` are the joint names in that order, by the file that has them; where none does, the order
    is the convention's own.

    Raises:
        KDError: two files disagree, a name is not the convention's, or names and channels differ in number.
    """
    joints = _agreed(teacher, joints_by_file) or convention.joints
    if len(joints) != channels:
        source = next(iter(joints_by_file), f"its convention {convention.name}")
        raise KDError(
            f"teacher {teacher} makes maps of {channels} joints, but {source} names {len(joints)}. "
            "Give it the configuration and the convention it was trained with."
        )
    if joints == convention.joints:
        return convention
    try:
        return convention.reordered(joints, f"{convention.name}@{teacher}")
    except KDError as error:
        raise KDError(
            f"teacher {teacher}, whose joints are those of {next(iter(joints_by_file))}, does not fit its "
            f"convention: {error} "
            "Name the convention it was trained on, or a convention file of your own with its joints."
        ) from None


def _agreed(teacher: str, joints_by_file: Mapping[str, Sequence[str]]) -> tuple[str, ...] | None:
    """The joints that all files agree on; None where there is no such file."""
    lists = [(source, tuple(joints)) for source, joints in joints_by_file.items()]
    for (one, joints), (other, others) in zip(lists, lists[1:], strict=False):
        if joints != others:
            raise KDError(
                f"{one} and {other} of teacher {teacher} disagree about its joints: "
                f"{_difference(joints, others)}. They do not belong together; name the pair that does."
            )
    return lists[0][1] if lists else None


def _difference(joints: tuple[str, ...], others: tuple[str, ...]) -> str:
    if len(joints) != len(others):
        return f"{len(joints)} and {len(others)} joints"
    index = next(k for k, (one, other) in enumerate(zip(joints, others, strict=True)) if one != other)
    return f"joint {index} is {joints[index]} and {others[index]}"
