"""Does the file's own list of joint names contradict the convention it is read in?"""

from pathlib import Path
from typing import Any

from pipeline.conventions.convention import Convention
from pipeline.errors import KDError


def check_joint_order(categories: Any, convention: Convention, source: Path) -> None:
    """Compare the category's joint names, where the file lists them, with the convention.

    Datasets word their joints differently (`head_bottom`, `upper_neck`, `Neck`), so other names are no error.
    A joint of the convention in another place, or a left joint where the convention has a right or a middle
    one, is: such a file would load, train and be silently wrong.

    Raises:
        KDError: the two contradict each other.
    """
    for index, (found, wanted) in enumerate(zip(_names(categories), convention.joints, strict=False)):
        moved = found in convention.joints and found != wanted
        if moved or _side(found) != _side(wanted):
            raise KDError(
                f"{source} names its joint {index} {found!r}, but the convention {convention.name} has "
                f"{wanted!r} there. Set the dataset's convention in params.yaml to the one the file is in, "
                "or to a YAML of your own with the joints in the file's order."
            )


def _names(categories: Any) -> list[str]:
    """Joint names of the first category that lists any, in one spelling."""
    for category in categories if isinstance(categories, list) else ():
        names = category.get("keypoints") if isinstance(category, dict) else None
        if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
            return [name.strip().lower().replace(" ", "_").replace("-", "_") for name in names]
    return []


def _side(joint: str) -> str:
    for side in ("left", "right"):
        if side in joint.split("_"):
            return side
    return "middle"
