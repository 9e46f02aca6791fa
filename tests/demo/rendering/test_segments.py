import numpy as np
import pytest

from demo.rendering.camera import Camera
from demo.rendering.canvas import Canvas
from demo.rendering.fabric import Fabric
from demo.rendering.segments import Ellipsoid, Limb

# A hundred pixels per metre, far enough away for perspective not to matter.
CAMERA = Camera(0.0, 0.0, 0.0, 100.0, (50.0, 50.0), 1e6, 0.0)
# For areas: no edge runs through pixel centres, where rounding decides.
OFF_GRID = Camera(0.0, 0.0, 0.0, 100.0, (50.25, 50.25), 1e6, 0.0)
LIGHT = np.array([0.0, 0.0, 1.0])
GREY = Fabric((0.5, 0.5, 0.5))


def _painted(solid: Limb | Ellipsoid, camera: Camera = CAMERA) -> Canvas:
    canvas = Canvas(np.zeros((101, 101, 3), np.float32))
    solid.paint(canvas, camera, LIGHT, 0)
    return canvas


def _limb(
    end: tuple[float, float, float], radii: tuple[float, float], frame: np.ndarray | None = None
) -> Limb:
    return Limb(np.zeros(3), np.array(end), radii, radii, np.eye(3) if frame is None else frame, GREY)


def _ball(radii: tuple[float, float, float]) -> Ellipsoid:
    return Ellipsoid(np.zeros(3), radii, np.eye(3), lambda unit: np.full_like(unit, 0.5))


def test_a_rod_covers_a_stadium():
    # 0.3 m by a radius of 0.1 m: a 30 x 20 rectangle and a disc of radius 10, in pixels.
    area = (_painted(_limb((0.3, 0.0, 0.0), (0.1, 0.1)), OFF_GRID).owner == 0).sum()
    assert area == pytest.approx(30 * 20 + np.pi * 100, rel=0.02)


def test_a_rod_that_points_at_the_viewer_is_a_disc():
    area = (_painted(_limb((0.0, 0.0, 0.3), (0.1, 0.1)), OFF_GRID).owner == 0).sum()
    assert area == pytest.approx(np.pi * 100, rel=0.03)


@pytest.mark.parametrize(("turned", "half_width"), [(False, 20), (True, 10)])
def test_a_flat_torso_is_narrower_from_the_side(turned: bool, half_width: int):
    frame = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]) if turned else np.eye(3)
    owner = _painted(_limb((0.0, 0.3, 0.0), (0.2, 0.1), frame)).owner
    assert (owner[35] == 0).sum() == pytest.approx(2 * half_width, abs=1.1)


def test_an_ellipsoid_covers_an_ellipse():
    area = (_painted(_ball((0.3, 0.2, 0.1)), OFF_GRID).owner == 0).sum()
    assert area == pytest.approx(np.pi * 30 * 20, rel=0.02)


def test_a_solids_depth_is_its_surface_nearest_the_viewer():
    assert _painted(_ball((0.3, 0.2, 0.1))).depth[50, 50] == pytest.approx(0.1, abs=1e-4)
    assert _painted(_limb((0.3, 0.0, 0.0), (0.1, 0.1))).depth[50, 60] == pytest.approx(0.1, abs=1e-3)


def test_light_from_the_viewer_is_brightest_in_the_middle_and_dims_towards_the_rim():
    row = _painted(_limb((0.0, 0.3, 0.0), (0.2, 0.2))).colour_HW3[35, :, 0]
    assert row[50] > row[60] > row[68] > 0
    assert row[40] == pytest.approx(row[60], rel=1e-4)
