"""From a person's box to a network's input crop, as MMPose does it.

Equals `GetBBoxCenterScale` and `TopdownAffine` of mmpose 1.3.2 (mmpose/datasets/transforms), in the same
order of operations, so that a teacher sees the very pixels it would see in MMPose.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, Float64, UInt8


@dataclass(frozen=True)
class CropGeometry:
    """How boxes become crops: `input_size` (width, height) in pixels; the box's sides are multiplied by
    `padding`, then one of them is enlarged to the input's aspect ratio.

    `udp` is unbiased data processing (arXiv 1911.07524): the box spans from the first pixel's centre to the
    last one's, (w - 1, h - 1) input pixels, instead of (w, h).
    """

    input_size: tuple[int, int]
    padding: float
    udp: bool = False


def box_to_center_scale(
    boxes_xywh: Float[np.ndarray, "n 4"], padding: float
) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n 2"]]:
    """Centres of the boxes and their padded sides (width, height), image pixels.

    Must equal `bbox_xywh2cs` of mmpose/structures/bbox/transforms.py.
    """
    return boxes_xywh[:, :2] + boxes_xywh[:, 2:] * 0.5, boxes_xywh[:, 2:] * padding


def crop_affine(
    boxes_xywh: Float[np.ndarray, "n 4"],
    crop: CropGeometry,
    rotation_degrees: float | Float[np.ndarray, " n"] = 0.0,
) -> Float64[np.ndarray, "n 2 3"]:
    """Affines from image pixels to input pixels, one to a box (x, y, width, height in image pixels).

    A positive rotation turns the picture counter-clockwise in the crop; with `udp` clockwise, as in MMPose,
    whose two warp matrices disagree about the sign.
    Must equal `get_warp_matrix` and `get_udp_warp_matrix` of mmpose/structures/bbox/transforms.py, to which
    their rounding to float32 belongs: on a large image it is visible in the crop's pixels.
    """
    center_N2, scale_N2 = box_to_center_scale(boxes_xywh, crop.padding)
    scale_N2 = _with_aspect(scale_N2, crop.input_size[0] / crop.input_size[1])
    angle_N = np.broadcast_to(np.deg2rad(rotation_degrees), (len(boxes_xywh),))
    matrix = _udp_affine if crop.udp else _msra_affine
    return matrix(center_N2, scale_N2, angle_N, crop.input_size)


def mirror_affine(width: int) -> Float64[np.ndarray, "2 3"]:
    """Input pixels of a crop to those of its mirror image: column 0 becomes column width - 1."""
    return np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0]])


def warp_crop(
    image: UInt8[np.ndarray, "H W 3"], affine: Float64[np.ndarray, "2 3"], size: tuple[int, int]
) -> UInt8[np.ndarray, "h w 3"]:
    """The crop of `size` (width, height) that `affine` (image pixels to input pixels) cuts out of `image`.

    Bilinear; black outside the image. Bit-equal to MMPose's `TopdownAffine` for an equal affine.
    """
    return cv2.warpAffine(image, affine, size, flags=cv2.INTER_LINEAR)


def _with_aspect(scale_N2: Float[np.ndarray, "n 2"], aspect: float) -> Float[np.ndarray, "n 2"]:
    """`scale` with its shorter side enlarged, so that width / height = `aspect`."""
    width_N, height_N = scale_N2.T
    wide_N2 = np.stack([width_N, width_N / aspect], axis=1)
    tall_N2 = np.stack([height_N * aspect, height_N], axis=1)
    return np.where((width_N > height_N * aspect)[:, None], wide_N2, tall_N2)


def _msra_affine(
    center_N2: Float[np.ndarray, "n 2"],
    scale_N2: Float[np.ndarray, "n 2"],
    angle_N: Float[np.ndarray, " n"],
    size: tuple[int, int],
) -> Float64[np.ndarray, "n 2 3"]:
    """The affine through three points: the box's centre, the middle of its left side, and the third corner of
    their right-angled triangle.

    OpenCV solves for it, as in MMPose: another solver's last bit decides how warpAffine rounds a tie.
    """
    left_N2 = -0.5 * scale_N2[:, :1] * np.stack([np.cos(angle_N), np.sin(angle_N)], axis=1)
    source_N32 = _triangle(center_N2, center_N2 + left_N2)
    middle = np.array([size]) * 0.5
    target_32 = _triangle(middle, middle - [[size[0] * 0.5, 0.0]])[0]
    return np.array([cv2.getAffineTransform(source_32, target_32) for source_32 in source_N32]).reshape(
        -1, 2, 3
    )


def _triangle(a_N2: Float[np.ndarray, "n 2"], b_N2: Float[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n 3 2"]:
    """a, b, and b plus (a - b) turned by 90 degrees."""
    a_N2, b_N2 = a_N2.astype(np.float32), b_N2.astype(np.float32)
    difference_N2 = a_N2 - b_N2
    turned_N2 = np.stack([-difference_N2[:, 1], difference_N2[:, 0]], axis=1)
    return np.stack([a_N2, b_N2, b_N2 + turned_N2], axis=1)


def _udp_affine(
    center_N2: Float[np.ndarray, "n 2"],
    scale_N2: Float[np.ndarray, "n 2"],
    angle_N: Float[np.ndarray, " n"],
    size: tuple[int, int],
) -> Float64[np.ndarray, "n 2 3"]:
    """Turn about the box's centre, move its corner to the origin, stretch it to (width - 1, height - 1)."""
    cos_N, sin_N = np.cos(angle_N), np.sin(angle_N)
    turn_N22 = np.stack([np.stack([cos_N, -sin_N], axis=1), np.stack([sin_N, cos_N], axis=1)], axis=1)
    shift_N2 = 0.5 * scale_N2 - (turn_N22 @ center_N2[:, :, None])[:, :, 0]
    stretch_N2 = (np.array(size) - 1) / scale_N2
    affine_N23 = np.concatenate([turn_N22, shift_N2[:, :, None]], axis=2) * stretch_N2[:, :, None]
    return affine_N23.astype(np.float32).astype(np.float64)
