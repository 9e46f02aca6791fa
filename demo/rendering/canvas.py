"""An image being painted, with the depth and the owner of every pixel."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int16

BACKGROUND = -1
THING = -2


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels, clipped to the canvas."""

    rows: slice
    columns: slice

    def grid(self) -> tuple[Float[np.ndarray, "1 w"], Float[np.ndarray, "h 1"]]:
        """Pixel centres: x as a row, y as a column."""
        x = np.arange(self.columns.start, self.columns.stop, dtype=np.float32)[None, :]
        y = np.arange(self.rows.start, self.rows.stop, dtype=np.float32)[:, None]
        return x, y


class Canvas:
    """Colour (BGR in [0, 1]), scene depth (metres towards the viewer) and owner per pixel."""

    def __init__(self, background_HW3: Float[np.ndarray, "H W 3"]) -> None:
        self.colour_HW3 = background_HW3.astype(np.float32)
        self.depth = np.full(background_HW3.shape[:2], -np.inf, np.float32)
        self.owner: Int16[np.ndarray, "H W"] = np.full(background_HW3.shape[:2], BACKGROUND, np.int16)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.depth.shape[1], self.depth.shape[0]

    def window(self, low: Float[np.ndarray, "2"], high: Float[np.ndarray, "2"]) -> Window | None:
        """The pixels of the box from `low` to `high` (x, y), or None where it misses the canvas."""
        width, height = self.size
        x0, y0 = max(0, int(np.floor(low[0]))), max(0, int(np.floor(low[1])))
        x1, y1 = min(width, int(np.ceil(high[0])) + 1), min(height, int(np.ceil(high[1])) + 1)
        if x0 >= x1 or y0 >= y1:
            return None
        return Window(slice(y0, y1), slice(x0, x1))

    def lay(
        self,
        window: Window,
        coverage: Float[np.ndarray, "h w"],
        depth: Float[np.ndarray, "h w"],
        colour_hw3: Float[np.ndarray, "h w 3"],
        owner: int,
    ) -> Bool[np.ndarray, "h w"]:
        """Blend a layer in wherever it is in front; the pixels it now owns (coverage over a half)."""
        at = (window.rows, window.columns)
        in_front = depth > self.depth[at]
        alpha = np.where(in_front, coverage, np.float32(0.0))
        self.colour_HW3[at] += alpha[..., None] * (colour_hw3 - self.colour_HW3[at])
        owned = alpha > 0.5
        self.depth[at] = np.where(owned, depth, self.depth[at])
        self.owner[at] = np.where(owned, np.int16(owner), self.owner[at])
        return owned
