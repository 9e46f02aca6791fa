"""Teacher's answers as the store holds them: a row per crop.

Axes: B crops, K joints, H, W map rows and columns (or W bins of a SimCC vector).
"""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float16, Float32, Float64, Int64, UInt8


@dataclass(frozen=True)
class HeatmapRows:
    """Heatmaps as the store holds them, and what `MapCodec.decode` needs to read them."""

    map_BKHW: UInt8[np.ndarray, "b k h w"] | Float16[np.ndarray, "b k h w"]
    peak_BK: Float32[np.ndarray, "b k"]
    base_BK: Float32[np.ndarray, "b k"]

    def arrays(self) -> dict[str, np.ndarray]:
        """By the names the arrays have in the store."""
        return {"map": self.map_BKHW, "peak": self.peak_BK, "base": self.base_BK}


@dataclass(frozen=True)
class SimCCRows:
    """Pairs of SimCC vectors as the store holds them, and what `MapCodec.decode` needs to read them."""

    x_BKW: UInt8[np.ndarray, "b k wx"] | Float16[np.ndarray, "b k wx"]
    y_BKW: UInt8[np.ndarray, "b k wy"] | Float16[np.ndarray, "b k wy"]
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
class RowKeys:
    """Which crops rows are of: the crop's id, the number of the view (0: the plain crop), and the fingerprint
    of its pixels, box and view, by which a changed crop is recognised."""

    crop_id_B: Int64[np.ndarray, "b"]
    view_B: UInt8[np.ndarray, "b"]
    fingerprint_B: Int64[np.ndarray, "b"]

    def __len__(self) -> int:
        return len(self.crop_id_B)

    def __getitem__(self, rows: Int64[np.ndarray, "r"]) -> "RowKeys":
        return RowKeys(self.crop_id_B[rows], self.view_B[rows], self.fingerprint_B[rows])

    def tuples(self) -> list[tuple[int, int, int]]:
        """For sets and dictionaries."""
        columns = (self.crop_id_B, self.view_B, self.fingerprint_B)
        return list(zip(*(column.tolist() for column in columns), strict=True))


@dataclass(frozen=True)
class CellRows:
    """What extraction writes: the rows, and how far each stored joint is from the teacher's own.

    `drift_BK`: how far the joint decoded from the map moved by storing it, input pixels; NaN where the
    teacher saw too little for a position to mean anything. `error_BK`: largest difference between the map
    and what is stored of it, where it is above the floor, as a fraction of its peak. `floor_BK`: the fraction
    of its peak under which a map's values became one level.
    """

    keys: RowKeys
    maps: HeatmapRows | SimCCRows
    confidence_BK: Float32[np.ndarray, "b k"]
    keypoints_BK2: Float32[np.ndarray, "b k 2"]
    affine_B23: Float64[np.ndarray, "b 2 3"]
    drift_BK: Float16[np.ndarray, "b k"]
    error_BK: Float16[np.ndarray, "b k"]
    floor_BK: Float16[np.ndarray, "b k"]

    def __len__(self) -> int:
        return len(self.keys)

    def arrays(self) -> dict[str, np.ndarray]:
        """By the names the arrays have in the store."""
        columns = [(f.name, getattr(self, f.name)) for f in fields(self) if f.name not in ("keys", "maps")]
        columns += [(f.name, getattr(self.keys, f.name)) for f in fields(self.keys)]
        return {name.rsplit("_", 1)[0]: values for name, values in columns} | self.maps.arrays()
