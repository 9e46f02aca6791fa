"""Objects that hide parts of people: boxes, poles and balls."""

import cv2
import numpy as np
from jaxtyping import Float

from demo.rendering.canvas import THING, Canvas
from demo.rendering.fabric import Fabric


def paint_box(
    canvas: Canvas,
    centre: tuple[float, float],
    half_size: tuple[float, float],
    tilt_degrees: float,
    depth: float,
    fabric: Fabric,
) -> None:
    """A flat board, lit from above; centre and half size in image pixels, depth in scene metres."""
    corners = cv2.boxPoints((centre, (2 * half_size[0], 2 * half_size[1]), tilt_degrees))
    _paint_polygon(canvas, corners, depth, fabric)


def paint_ball(
    canvas: Canvas, centre: tuple[float, float], half_size: tuple[float, float], depth: float, fabric: Fabric
) -> None:
    """A flat ellipse; arguments as in `paint_box`."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    corners = np.array(centre) + np.stack([np.cos(angle), np.sin(angle)], 1) * half_size
    _paint_polygon(canvas, corners, depth, fabric)


def _paint_polygon(canvas: Canvas, corners: Float[np.ndarray, "P 2"], depth: float, fabric: Fabric) -> None:
    window = canvas.window(corners.min(0), corners.max(0))
    if window is None:
        return
    x, y = window.grid()
    origin = np.array([window.columns.start, window.rows.start])
    mask = np.zeros((y.size, x.size), np.uint8)
    cv2.fillConvexPoly(mask, np.round(16 * (corners - origin)).astype(np.int32), 255, cv2.LINE_AA, shift=4)
    rows, columns = np.broadcast_arrays(y - np.float32(corners[0, 1]), x - np.float32(corners[0, 0]))
    colour = fabric.paint(rows / np.float32(100), columns / np.float32(100))
    shade = 1.05 - 0.3 * np.linspace(0, 1, y.size, dtype=np.float32)[:, None, None]
    flat = np.full(mask.shape, depth, np.float32)
    canvas.lay(window, mask.astype(np.float32) / 255, flat, colour * shade, THING)
