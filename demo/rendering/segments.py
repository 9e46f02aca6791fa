"""The two solids that bodies are made of, and how they are painted.

Both live in camera space (metres: x right, y up, z towards the viewer) and are painted with diffuse light on
their curved surface, in front of whatever lies behind them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from demo.rendering.camera import Camera
from demo.rendering.canvas import Canvas
from demo.rendering.fabric import Fabric

Point = Float[np.ndarray, "3"]
Radii = tuple[float, float]
"""Half-width (along the frame's x) and half-depth (along its z) of a section, metres."""
VIEWER = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Limb:
    """A tapered rod of elliptical section with round ends, from `start` to `end`."""

    start: Point
    end: Point
    start_radii: Radii
    end_radii: Radii
    frame: Float[np.ndarray, "3 3"]
    fabric: Fabric

    @property
    def depth(self) -> float:
        return float(self.start[2] + self.end[2]) / 2

    def half_width(self, radii: Radii, across: Point) -> float:
        """How far the section reaches in the direction `across`."""
        if radii[0] == radii[1]:
            return radii[0]  # round, whichever way the frame is turned about the limb
        return float(np.hypot(radii[0] * (across @ self.frame[:, 0]), radii[1] * (across @ self.frame[:, 2])))

    def paint(self, canvas: Canvas, camera: Camera, light: Point, owner: int) -> None:
        ends = np.stack([self.start, self.end])
        a, b = camera.project(ends).astype(np.float32)
        length = max(float(np.hypot(*(b - a))), 1e-3)
        along = (b - a) / length
        across = np.array([-along[1], -along[0], 0.0])  # along, turned a quarter, y up again
        widths = [self.half_width(r, across) for r in (self.start_radii, self.end_radii)]
        scales = camera.scale_at(ends[:, 2])
        r0, r1 = np.float32(widths[0] * scales[0]), np.float32(widths[1] * scales[1])
        reach = max(r0, r1) + 1
        window = canvas.window(np.minimum(a, b) - reach, np.maximum(a, b) + reach)
        if window is None:
            return
        x, y = window.grid()
        dx, dy = x - a[0], y - a[1]
        t = _unit_clip((dx * along[0] + dy * along[1]) / np.float32(length))
        radius = r0 + t * (r1 - r0)
        off_x, off_y = dx - t * (b[0] - a[0]), dy - t * (b[1] - a[1])
        distance = np.sqrt(off_x * off_x + off_y * off_y)
        coverage = _unit_clip(radius - distance + np.float32(0.5))
        side = (off_x * np.float32(across[0]) - off_y * np.float32(across[1])) / radius
        bulge = np.sqrt(np.maximum(1 - (distance / radius) ** 2, 0))
        colour = self._colour(t, side, bulge, across, float(np.linalg.norm(self.end - self.start)))
        normal = (off_x / radius, -off_y / radius, bulge)
        shade = shading(normal, light)
        thickness = np.float32(max(self.half_width(r, VIEWER) for r in (self.start_radii, self.end_radii)))
        axis = np.float32(camera.depth + self.start[2]) + t * np.float32(self.end[2] - self.start[2])
        depth = (axis + thickness * bulge).astype(np.float32)
        canvas.lay(window, coverage.astype(np.float32), depth, colour * shade[..., None], owner)

    def _colour(
        self,
        t: Float[np.ndarray, "h w"],
        side: Float[np.ndarray, "h w"],
        bulge: Float[np.ndarray, "h w"],
        across: Point,
        length: float,
    ) -> Float[np.ndarray, "h w 3"]:
        if self.fabric.pattern == "plain" and not self.fabric.seam:
            return np.broadcast_to(np.float32(self.fabric.colour), (*t.shape, 3))
        left, front = self.frame[:, 0], self.frame[:, 2]
        radius = np.float32(sum(self.start_radii) / 2)
        angle = np.arctan2(
            side * np.float32(across @ left) + bulge * np.float32(left[2]),
            side * np.float32(across @ front) + bulge * np.float32(front[2]),
        )
        return self.fabric.paint(t * np.float32(length), angle * radius)


@dataclass(frozen=True)
class Ellipsoid:
    """A ball stretched by `radii` along its frame's axes; `colour` paints its unit sphere.

    `colour` maps points of the unit sphere, in the ellipsoid's own frame, to BGR.
    """

    centre: Point
    radii: tuple[float, float, float]
    frame: Float[np.ndarray, "3 3"]
    colour: Callable[[Float[np.ndarray, "h w 3"]], Float[np.ndarray, "h w 3"]]

    @property
    def depth(self) -> float:
        return float(self.centre[2])

    def paint(self, canvas: Canvas, camera: Camera, light: Point, owner: int) -> None:
        """Closed form: where the line of sight meets the sphere in the ellipsoid's own space."""
        scale = float(camera.scale_at(self.centre[2:])[0])
        centre = camera.project(self.centre[None])[0]
        reach = max(self.radii) * scale + 1
        window = canvas.window(centre - reach, centre + reach)
        if window is None:
            return
        x, y = window.grid()
        to_unit = (self.frame / np.array(self.radii)).T.astype(np.float32)
        mx, my = np.float32(1 / scale) * (x - centre[0]), np.float32(-1 / scale) * (y - centre[1])
        in_plane = mx[..., None] * to_unit[:, 0] + my[..., None] * to_unit[:, 1]
        sight = to_unit[:, 2]
        a, b = sight @ sight, in_plane @ sight
        outside = np.sqrt(np.maximum((in_plane * in_plane).sum(-1) - b * b / a, 0))
        coverage = _unit_clip((1 - outside) * np.float32(np.mean(self.radii) * scale) + np.float32(0.5))
        z = (np.sqrt(np.maximum(1 - outside**2, 0) * a) - b) / a
        unit = in_plane + z[..., None] * sight
        normal = unit @ to_unit
        normal /= np.sqrt((normal * normal).sum(-1, keepdims=True)) + np.float32(1e-6)
        shade = shading((normal[..., 0], normal[..., 1], normal[..., 2]), light)
        depth = (np.float32(camera.depth + self.centre[2]) + z).astype(np.float32)
        colour = self.colour(unit) * shade[..., None]
        canvas.lay(window, coverage.astype(np.float32), depth, colour.astype(np.float32), owner)


def _unit_clip(values: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    # np.clip costs several times as much on arrays as small as a limb.
    return np.minimum(np.maximum(values, 0), 1)


def shading(
    normal: tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w"], Float[np.ndarray, "h w"]], light: Point
) -> Float[np.ndarray, "h w"]:
    """Ambient plus Lambert's cosine law."""
    lx, ly, lz = (np.float32(v) for v in light)
    cosine = normal[0] * lx + normal[1] * ly + normal[2] * lz
    return (np.float32(0.5) + np.float32(0.55) * np.maximum(cosine, 0)).astype(np.float32)
