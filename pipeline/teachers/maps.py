"""A teacher's output for a batch of crops.

Legend: B crops, K joints, H and W rows and columns of a heatmap, or W bins of a SimCC vector.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from torch import Tensor


@dataclass(frozen=True)
class HeatmapOutput:
    """A map to a joint, in the teacher's own range."""

    heatmap_BKHW: Float32[Tensor, "B K H W"]


@dataclass(frozen=True)
class SimCCOutput:
    """A vector of raw logits along each axis to a joint."""

    x_BKW: Float32[Tensor, "B K Wx"]
    y_BKW: Float32[Tensor, "B K Wy"]


Maps = HeatmapOutput | SimCCOutput


@dataclass(frozen=True)
class TeacherOutput:
    """Maps on the teacher's device, and the joints that the teacher's own decoder reads out of them.

    `keypoints_BK2` are input pixels of the crop affine: its inverse takes them to the image. `confidence_BK`
    is the teacher's own score, in the teacher's own range.
    """

    maps: Maps
    keypoints_BK2: Float32[np.ndarray, "B K 2"]
    confidence_BK: Float32[np.ndarray, "B K"]
