"""Joints, limbs and boxes on a picture, to look at."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float64, UInt8

from pipeline.conventions.convention import Convention

LEFT = (0, 128, 255)
RIGHT = (255, 96, 0)
MIDDLE = (0, 220, 0)
BOX = (200, 200, 200)
"""BGR: the person's left is orange, the right blue, what has no side green."""


def draw_crop(
    image_bgr: UInt8[np.ndarray, "H W 3"],
    keypoints: Float[np.ndarray, "K 2"],
    visibility: UInt8[np.ndarray, "K"],
    convention: Convention,
    bbox: Float[np.ndarray, "4"] | None = None,
    thickness: int | None = None,
) -> UInt8[np.ndarray, "H W 3"]:
    """A copy of the image with one person's joints and limbs, and the box (x, y, w, h) if there is one.

    Joints are image pixels; visibility 0 is not drawn, 1 is a ring, 2 a disc. Line widths follow the
    person's size where no `thickness` is given.
    """
    picture = image_bgr.copy()
    thickness = _thickness(keypoints, visibility, bbox) if thickness is None else thickness
    if bbox is not None:
        corner, opposite = _pixel(bbox[:2]), _pixel(bbox[:2] + bbox[2:])
        cv2.rectangle(picture, corner, opposite, BOX, max(1, thickness // 2), cv2.LINE_AA)
    drawable = (visibility > 0) & np.isfinite(keypoints).all(axis=1) & (np.abs(keypoints) < 2**15).all(axis=1)
    _draw_limbs(picture, keypoints, drawable, convention, thickness)
    for joint in np.flatnonzero(drawable):
        _draw_joint(
            picture,
            keypoints[joint],
            _colour(convention, convention.joints[joint]),
            bool(visibility[joint] == 2),
            thickness,
        )
    return picture


def _draw_joint(
    picture: UInt8[np.ndarray, "H W 3"],
    place: Float[np.ndarray, "2"],
    colour: tuple[int, int, int],
    filled: bool,
    thickness: int,
) -> None:
    radius = thickness + 2
    if filled:
        cv2.circle(picture, _pixel(place), radius, (255, 255, 255), -1, cv2.LINE_AA)
        cv2.circle(picture, _pixel(place), radius - 1, colour, -1, cv2.LINE_AA)
    else:
        cv2.circle(picture, _pixel(place), radius, colour, max(1, thickness // 2), cv2.LINE_AA)


def _draw_limbs(
    picture: UInt8[np.ndarray, "H W 3"],
    keypoints: Float[np.ndarray, "K 2"],
    drawable: Bool[np.ndarray, "K"],
    convention: Convention,
    thickness: int,
) -> None:
    for first, second in convention.limbs:
        a, b = convention.index(first), convention.index(second)
        if drawable[a] and drawable[b]:
            colours = {_colour(convention, first), _colour(convention, second)} - {MIDDLE}
            colour = colours.pop() if len(colours) == 1 else MIDDLE
            cv2.line(picture, _pixel(keypoints[a]), _pixel(keypoints[b]), colour, thickness, cv2.LINE_AA)


def square_around(
    bbox: Float[np.ndarray, "4"], side: int, padding: float = 1.25
) -> Float64[np.ndarray, "2 3"]:
    """Image pixels to those of a square of `side` pixels, which shows `padding` times the longer side of the
    box (x, y, w, h) around its centre."""
    centre = bbox[:2] + bbox[2:] / 2
    scale = side / max(float(bbox[2:].max()) * padding, 1.0)
    shift = (side - 1) / 2 - scale * centre
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])


def cut_out(
    image_bgr: UInt8[np.ndarray, "H W 3"], bbox: Float[np.ndarray, "4"], side: int, padding: float = 1.25
) -> UInt8[np.ndarray, "side side 3"]:
    """The square around a box (x, y, w, h), `padding` times its longer side, scaled to `side` pixels."""
    return cv2.warpAffine(image_bgr, square_around(bbox, side, padding), (side, side), flags=cv2.INTER_LINEAR)


def contact_sheet(
    pictures: Sequence[UInt8[np.ndarray, "side side 3"]], columns: int
) -> UInt8[np.ndarray, "H W 3"]:
    """Equal square pictures in rows of `columns`, the rest of the last row black."""
    blank = np.zeros_like(pictures[0])
    padded = list(pictures) + [blank] * (-len(pictures) % columns)
    return np.vstack([np.hstack(padded[start : start + columns]) for start in range(0, len(padded), columns)])


def _colour(convention: Convention, joint: str) -> tuple[int, int, int]:
    """By the joint's name; a pair whose names say no side is taken as (left, right)."""
    words = joint.lower().split("_")
    for side, colour in (("left", LEFT), ("right", RIGHT)):
        if side in words:
            return colour
    for left, right in convention.flip_pairs:
        if joint in (left, right):
            return LEFT if joint == left else RIGHT
    return MIDDLE


def _thickness(
    keypoints: Float[np.ndarray, "K 2"],
    visibility: UInt8[np.ndarray, "K"],
    bbox: Float[np.ndarray, "4"] | None,
) -> int:
    if bbox is not None:
        extent = float(bbox[2:].max())
    else:
        seen = keypoints[visibility > 0]
        extent = float(np.ptp(seen, axis=0).max()) if len(seen) else 0.0
    return int(np.clip(extent / 80, 1, 12)) if np.isfinite(extent) else 1


def _pixel(point: Float[np.ndarray, "2"]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
