"""How image pixels, input pixels and map cells map onto each other.

Image pixels: x right, y down, the centre of the top-left pixel is (0, 0), as in cv2.warpAffine and MMPose.
Input pixels: the same, of a network's input crop. Map cells: of a heatmap, or bins of a pair of SimCC
vectors. An affine is a (2, 3) matrix that maps column vectors (x, y, 1).
"""

from pipeline.geometry.affine import apply, compose, invert
from pipeline.geometry.crop import CropGeometry, box_to_center_scale, crop_affine, mirror_affine, warp_crop
from pipeline.geometry.map import MapGeometry

__all__ = [
    "CropGeometry",
    "MapGeometry",
    "apply",
    "box_to_center_scale",
    "compose",
    "crop_affine",
    "invert",
    "mirror_affine",
    "warp_crop",
]
