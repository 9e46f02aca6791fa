"""The patch of a crop that coarse dropout hides, and where a student's map lies under it.

A patch is left, top, right, bottom in input pixels (the centre of the top-left pixel is (0, 0), so patches
begin and end at halves): a pixel is under it where left < x < right and top < y < bottom. NO_PATCH hides
nothing.

Legend: B crops, H and W rows and columns of a crop or a map.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float32, UInt8
from torch import Tensor

from pipeline.geometry import MapGeometry

NO_PATCH: Float32[np.ndarray, "4"] = np.full(4, -1.0, dtype=np.float32)


def draw_patch(
    rng: np.random.Generator, size: tuple[int, int], sides: tuple[float, float]
) -> Float32[np.ndarray, "4"]:
    """A patch within a crop of `size` (width, height); either side is a share between `sides` of the crop's.

    As Albumentations' `CoarseDropout` with one hole, which RTMPose's configs use.
    """
    side_2 = np.round(rng.uniform(*sides, size=2) * size).astype(np.int64)
    corner_2 = rng.integers(np.array(size) - side_2, endpoint=True)
    return np.concatenate([corner_2, corner_2 + side_2]).astype(np.float32) - 0.5


def fill_patch(
    image_HW3: UInt8[np.ndarray, "h w 3"],
    patch_4: Float32[np.ndarray, "4"],
    colour_3: UInt8[np.ndarray, "3"],
) -> None:
    """Paint the patch over, in place."""
    left, top, right, bottom = (patch_4 + 0.5).astype(np.int64).tolist()
    image_HW3[top:bottom, left:right] = colour_3


def known_outside(dropped_B4: Float32[Tensor, "b 4"], plane: MapGeometry) -> Bool[Tensor, "b h w"]:
    """Which cells of a map over the crop have their centre in no patch: there a teacher, who saw the whole
    crop, knows nothing that the student could."""
    hidden_BW, hidden_BH = (
        (cell > dropped_B4[:, axis, None]) & (cell < dropped_B4[:, axis + 2, None])
        for axis, cell in enumerate(_cell_centres(plane, dropped_B4.device))
    )
    return ~(hidden_BH[:, :, None] & hidden_BW[:, None, :])


def _cell_centres(
    plane: MapGeometry, device: torch.device
) -> tuple[Float32[Tensor, " w"], Float32[Tensor, " h"]]:
    """In input pixels, of columns and rows."""
    columns, rows = (
        torch.arange(size, device=device, dtype=torch.float32) * scale + offset
        for size, scale, offset in zip(plane.size, plane.scale, plane.offset, strict=True)
    )
    return columns, rows
