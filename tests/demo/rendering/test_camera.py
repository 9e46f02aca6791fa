import numpy as np
import pytest

from demo.rendering.camera import Camera


def _camera(**changes: float) -> Camera:
    settings = {"yaw": 0.0, "pitch": 0.0, "roll": 0.0, "scale": 100.0, "distance": 5.0, "depth": 0.0}
    return Camera(**{**settings, **changes}, centre=(160.0, 120.0))


def _seen(camera: Camera, point: tuple[float, float, float]) -> np.ndarray:
    return camera.project((camera.turn() @ np.array(point))[None])[0]


def test_who_faces_the_camera_has_the_left_hand_on_the_pictures_right_and_the_head_up():
    np.testing.assert_allclose(_seen(_camera(), (0.5, 0.0, 0.0)), (210, 120))
    np.testing.assert_allclose(_seen(_camera(), (0.0, 1.0, 0.0)), (160, 20))


def test_what_is_nearer_looks_larger():
    # Half way to the viewer: twice as large.
    np.testing.assert_allclose(_seen(_camera(), (0.1, 0.0, 2.5)), (180, 120))


@pytest.mark.parametrize(("yaw", "x"), [(90.0, 200.0), (-90.0, 120.0), (180.0, 160.0)])
def test_turning_left_faces_the_pictures_right(yaw: float, x: float):
    far = _camera(yaw=yaw, distance=1e6)
    np.testing.assert_allclose(_seen(far, (0.0, 0.0, 0.4)), (x, 120), atol=1e-3)


def test_a_camera_that_looks_down_sees_the_front_of_the_feet_lower():
    assert _seen(_camera(pitch=30.0), (0.0, -1.0, 0.2))[1] > _seen(_camera(pitch=30.0), (0.0, -1.0, 0.0))[1]
