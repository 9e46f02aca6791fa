"""Teacher's answers as the store holds them: a row per crop.

Axes: B crops, K joints, H, W map rows and columns (or W bins of a SimCC vector).
"""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float16, Float32, Float64, Int64, UInt8


@dataclass(frozen=True)
class HeatmapRows:
    """Heatmaps as bytes: `value = map / 255 * peak`."""

    map_BKHW: UInt8[np.ndarray, "b k h w"]
    peak_BK: Float32[np.ndarray, "b k"]

    def arrays(self) -> dict[str, np.ndarray]:
        """By the names the arrays have in the store."""
        return {"map": self.map_BKHW, "peak": self.peak_BK}


@dataclass(frozen=True)
class SimCCRows:
    """Pairs of SimCC vectors as bytes: `logit = base + q / 255 * (peak - base)`, per axis.

    `base` is the level of the bins stored as 0; see `pipeline.store.quantise.quantise_simcc`.
    """

    x_BKW: UInt8[np.ndarray, "b k wx"]
    y_BKW: UInt8[np.ndarray, "b k wy"]
    peak_x_BK: Float32[np.ndarray, "b k"]
    peak_y_BK: Float32[np.ndarray, "b k"]
    base_x_BK: Float32[np.ndarray, "b k"]
    base_y_BK: Float32[np.ndarray, "b k"]

    def arrays(self) -> dict[str, np.ndarray]:
        """By the names the arrays have in the store."""
        return {
            "map_x": self.x_BKW,
            "map_y": self.y_BKW,
            "peak_x": self.peak_x_BK,
            "peak_y": self.peak_y_BK,
            "base_x": self.base_x_BK,
            "base_y": self.base_y_BK,
        }


@dataclass(frozen=True)
class StoredMaps:
    """What a reader hands over: some rows of a cell.

    `confidence_BK` is the teacher's own score, `keypoints_BK2` its own decoded joints in image pixels,
    `affine_B23` takes image pixels to map cells (bins, for SimCC).
    """

    maps: HeatmapRows | SimCCRows
    confidence_BK: Float32[np.ndarray, "b k"]
    keypoints_BK2: Float32[np.ndarray, "b k 2"]
    affine_B23: Float64[np.ndarray, "b 2 3"]
    crop_id_B: Int64[np.ndarray, "b"]

    def __len__(self) -> int:
        return len(self.crop_id_B)

    def arrays(self) -> dict[str, np.ndarray]:
        """By the names the arrays have in the store."""
        own = {f.name.rsplit("_", 1)[0]: getattr(self, f.name) for f in fields(self) if f.name != "maps"}
        return own | self.maps.arrays()


@dataclass(frozen=True)
class CellRows(StoredMaps):
    """What extraction writes: the rows, and how far each joint is from what the teacher said.

    `drift_BK`: how far the joint decoded from the map moved by quantisation, input pixels; NaN where the
    teacher saw too little for a position to mean anything. `error_BK`: largest difference between the map
    and what is stored of it, as a fraction of its peak (SimCC: of peak - base).
    """

    drift_BK: Float16[np.ndarray, "b k"]
    error_BK: Float16[np.ndarray, "b k"]
