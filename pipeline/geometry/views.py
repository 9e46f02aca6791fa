"""What a teacher is shown of a crop: the plain crop, or one of a few seeded augmentations of it.

A view says how the crop is turned, not in which network's input: teachers of any geometry, and students, see
the same part of the image by the same view, so the maps of one are comparable with those of another.
"""

import hashlib
import struct
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from pipeline.geometry import CropGeometry, compose, crop_affine, mirror_affine
from pipeline.params import ViewsParams

_UNIFORM_BYTES = 6


@dataclass(frozen=True)
class View:
    """How a crop differs from the plain one.

    The box's centre moves by `shift` (fractions of its width and height, to the right and down in the image),
    its sides are multiplied by `scale`, the picture is turned counter-clockwise, and then mirrored if `flip`.
    """

    flip: bool = False
    rotation_degrees: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)


PLAIN = View()


def draw_view(params: ViewsParams, crop_id: int, number: int) -> View:
    """The `number`-th view of a crop: 0 is the plain one, others are uniform within the ranges of `params`.

    Every view from 1 on is turned: upright crops are what the plain row already answers. The draws are the
    first 30 bytes of SHA-256 over seed, crop id and number, as five big-endian 48-bit fractions of 1: mirror,
    rotation, scale, shift in x, shift in y. So they depend on no library's random generator, and on neither
    `count` nor the other crops.
    """
    if number == 0:
        return PLAIN
    digest = hashlib.sha256(f"kd-pipeline view 1\0{params.seed}\0{crop_id}\0{number}".encode()).digest()
    flip, *signed = (_uniform(digest, position) for position in range(5))
    turn, zoom, right, down = (2 * uniform - 1 for uniform in signed)
    return View(
        flip=flip < params.flip,
        rotation_degrees=turn * params.rotation_degrees,
        scale=1 + zoom * params.scale,
        shift=(right * params.shift, down * params.shift),
    )


def _uniform(digest: bytes, position: int) -> float:
    """The `position`-th 48 bits as a number from [0, 1)."""
    start = position * _UNIFORM_BYTES
    return int.from_bytes(digest[start : start + _UNIFORM_BYTES], "big") / 2 ** (8 * _UNIFORM_BYTES)


def view_affine(
    bbox_4: Float64[np.ndarray, "4"], crop: CropGeometry, view: View
) -> Float64[np.ndarray, "2 3"]:
    """Image pixels to input pixels of a view of the box (x, y, width, height in image pixels).

    Exactly `crop_affine` for the plain view. For two geometries, the affine from one's input to the other's
    is that of the plain crops, but for the mirrors before and after it.
    """
    corner_2 = bbox_4[:2] + bbox_4[2:] * (0.5 + np.array(view.shift) - view.scale / 2)
    box_14 = np.concatenate([corner_2, bbox_4[2:] * view.scale])[None]
    # MMPose's two warp matrices disagree about the sign of a rotation.
    degrees = -view.rotation_degrees if crop.udp else view.rotation_degrees
    affine_23 = crop_affine(box_14, crop, degrees)[0]
    return compose(mirror_affine(crop.input_size[0]), affine_23) if view.flip else affine_23


def fingerprint(image_sha256: str, bbox_4: Float64[np.ndarray, "4"], view: View) -> int:
    """What a teacher's answer depends on besides the teacher: first 63 bits of SHA-256 over the image file's
    hash (32 bytes), the box, and, unless the view is plain, its flip (0 or 1), rotation, scale and shift; all
    numbers as little-endian float64.
    """
    content = bytes.fromhex(image_sha256) + bbox_4.astype("<f8").tobytes()
    if view != PLAIN:
        content += struct.pack("<5d", view.flip, view.rotation_degrees, view.scale, *view.shift)
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "big") >> 1
