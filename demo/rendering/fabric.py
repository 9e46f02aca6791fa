"""What covers a body part or a thing: a colour with a pattern."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

Colour = tuple[float, float, float]
"""Blue, green, red in [0, 1]."""
Pattern = Literal["plain", "rings", "stripes", "checks", "speckle"]

_SPECKLE = np.random.default_rng(7).standard_normal((64, 64)).astype(np.float32)


@dataclass(frozen=True)
class Fabric:
    """Two colours and how they alternate over a surface; `period` in metres."""

    colour: Colour
    second: Colour = (0.0, 0.0, 0.0)
    pattern: Pattern = "plain"
    period: float = 0.1
    seam: bool = False
    """A strip of the second colour down the front, like a jacket's zip."""

    def paint(
        self, along: Float[np.ndarray, "h w"], around: Float[np.ndarray, "h w"]
    ) -> Float[np.ndarray, "h w 3"]:
        """Colour at metres along the part and metres around it, counted from its front."""
        share = self._share_of_second(along, around)
        if self.seam:
            share = np.maximum(share, np.abs(around) < 0.02)
        first, second = np.float32(self.colour), np.float32(self.second)
        return first + share[..., None] * (second - first)

    def _share_of_second(
        self, along: Float[np.ndarray, "h w"], around: Float[np.ndarray, "h w"]
    ) -> Float[np.ndarray, "h w"]:
        if self.pattern == "plain":
            return np.zeros_like(along)
        rows, columns = along / self.period, around / self.period
        if self.pattern == "speckle":
            cells = _SPECKLE[(rows * 5).astype(np.int32) & 63, (columns * 5).astype(np.int32) & 63]
            return np.clip(0.35 + 0.3 * cells, 0.0, 1.0)
        in_row, in_column = (np.mod(x, 1.0) < 0.5 for x in (rows, columns))
        chosen = {"rings": in_row, "stripes": in_column, "checks": in_row ^ in_column}[self.pattern]
        return chosen.astype(np.float32)
