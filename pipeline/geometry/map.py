"""Where the cells of a teacher's map lie in its input crop."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64


@dataclass(frozen=True)
class MapGeometry:
    """input pixel = cell * scale + offset, per axis (x, y).

    `size` is (width, height) of a heatmap, (bins in x, bins in y) of a pair of SimCC vectors.
    """

    kind: Literal["heatmap", "simcc"]
    size: tuple[int, int]
    scale: tuple[float, float]
    offset: tuple[float, float] = (0.0, 0.0)

    def map_affine(self) -> Float64[np.ndarray, "2 3"]:
        """Input pixels to map cells."""
        (sx, sy), (bx, by) = self.scale, self.offset
        return np.array([[1 / sx, 0.0, -bx / sx], [0.0, 1 / sy, -by / sy]])

    def to_input(self, cells: Float64[np.ndarray, "*n 2"]) -> Float64[np.ndarray, "*n 2"]:
        """Points in map cells as input pixels."""
        return cells * np.array(self.scale) + np.array(self.offset)

    def mirror(self, input_width: int) -> float:
        """`m` such that cell i of a crop shows what cell m - i of the mirrored crop shows.

        Input pixel p of a crop is pixel `input_width` - 1 - p of its mirror image; `m` need not be whole.
        """
        return (input_width - 1 - 2 * self.offset[0]) / self.scale[0]

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it, for provenance."""
        return {
            "kind": self.kind,
            "size": list(self.size),
            "scale": list(self.scale),
            "offset": list(self.offset),
        }
