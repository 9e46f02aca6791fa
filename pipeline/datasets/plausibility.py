"""Mistakes of units and of order that no single sample shows, only all of them together.

Legend: N people, K joints.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float

from pipeline.conventions.convention import Convention
from pipeline.datasets.crop_table import CropTable

FEWEST = 20
"""Fewest people of whom a share is meaningful."""
SMALL_SIDE = 4.0
"""Pixels: labelled people have larger boxes."""
SIDES = "left_shoulder", "right_shoulder"


def doubts(table: CropTable, convention: Convention | None) -> list[str]:
    """What is improbable about the whole split, each with its counts and what it may come from."""
    if len(table) < FEWEST:
        return []
    found = list(_about_boxes(table))
    if convention is not None and (table.visibility > 0).any():
        found += [*_about_joints(table), *_about_sides(table, convention)]
    return found


def _about_boxes(table: CropTable) -> Iterator[str]:
    small = int((table.bbox[:, 2:].min(1) < SMALL_SIDE).sum())
    if small > 0.1 * len(table):
        yield (
            f"{small} of {len(table)} boxes are under {SMALL_SIDE:g} pixels wide or high. Are they scaled "
            "to 0..1, or of smaller copies of the images? Pixels of the image files are wanted."
        )


def _about_joints(table: CropTable) -> Iterator[str]:
    labelled_NK = table.visibility > 0
    far_NK = labelled_NK & ~_inside(table.keypoints, _enlarged(table.bbox, 0.5))
    if far_NK.sum() > 0.2 * labelled_NK.sum():
        yield (
            f"{far_NK.sum()} of {labelled_NK.sum()} labelled joints lie more than half a box away from their "
            "person's box. Are joints normalised, relative to the box, or of another image size?"
        )
    whole_N = (table.bbox[:, :2] + table.bbox[:, 2:] < table.image_size - 1.5).all(1) & labelled_NK.any(1)
    corners_N4 = np.concatenate([table.bbox[:, :2], table.bbox[:, 2:] - table.bbox[:, :2]], axis=1)[whole_N]
    possible = int((corners_N4[:, 2:] > 0).all(1).sum())
    if len(corners_N4) < FEWEST or possible < 0.95 * len(corners_N4):
        return
    fits_NK = _inside(table.keypoints[whole_N], _enlarged(corners_N4, 0.1)) & labelled_NK[whole_N]
    if fits_NK.sum() >= 0.95 * labelled_NK[whole_N].sum():
        yield (
            f"{possible} of {len(corners_N4)} boxes would fit their joints as well if their four numbers "
            "were two corners. Are they x1, y1, x2, y2? Wanted are x, y, width, height."
        )


def _about_sides(table: CropTable, convention: Convention) -> Iterator[str]:
    if not set(SIDES) <= set(convention.joints):
        return
    left, right = (convention.joints.index(joint) for joint in SIDES)
    seen_N = (table.visibility[:, [left, right]] > 0).all(1)
    facing = int((table.keypoints[seen_N, left, 0] > table.keypoints[seen_N, right, 0]).sum())
    people = int(seen_N.sum())
    if people >= 5 * FEWEST and facing < 0.3 * people:
        yield (
            f"of {people} people {facing} have their left shoulder to the right of the other in the picture, "
            "as people who face the camera do; in most datasets that is well over half. Are left and right "
            "the viewer's here? They should be the person's own."
        )


def _enlarged(bbox_N4: Float[np.ndarray, "n 4"], share: float) -> Float[np.ndarray, "n 4"]:
    margin_N2 = bbox_N4[:, 2:] * share
    return np.concatenate([bbox_N4[:, :2] - margin_N2, bbox_N4[:, 2:] + 2 * margin_N2], axis=1)


def _inside(
    keypoint_NK2: Float[np.ndarray, "n k 2"], bbox_N4: Float[np.ndarray, "n 4"]
) -> Bool[np.ndarray, "n k"]:
    low_N12, high_N12 = bbox_N4[:, None, :2], (bbox_N4[:, :2] + bbox_N4[:, 2:])[:, None]
    return ((keypoint_NK2 >= low_N12) & (keypoint_NK2 <= high_N12)).all(-1)
