import numpy as np

from demo.rendering.canvas import BACKGROUND, Canvas


def _lay(canvas: Canvas, depth: float, shade: float, owner: int, coverage: float = 1.0) -> np.ndarray:
    window = canvas.window(np.array([1.0, 1.0]), np.array([2.0, 2.0]))
    layer = np.full((2, 2), 1.0, np.float32)
    return canvas.lay(
        window,
        layer * np.float32(coverage),
        layer * np.float32(depth),
        layer[..., None] * np.float32([shade] * 3),
        owner,
    )


def _canvas() -> Canvas:
    return Canvas(np.zeros((4, 5, 3), np.float32))


def test_the_nearer_layer_wins_whatever_the_order():
    for order in ((0, 1), (1, 0)):
        canvas = _canvas()
        layers = [(1.0, 0.3), (2.0, 0.7)]
        for number in order:
            _lay(canvas, *layers[number], owner=number)
        assert canvas.owner[1, 1] == 1
        assert canvas.colour_HW3[2, 2, 0] == np.float32(0.7)


def test_outside_the_window_nothing_changes():
    canvas = _canvas()
    _lay(canvas, 1.0, 0.5, owner=3)
    assert (canvas.owner == 3).sum() == 4
    assert canvas.owner[0, 0] == BACKGROUND and canvas.colour_HW3[3].max() == 0


def test_a_half_covered_pixel_is_blended_but_stays_its_owners():
    canvas = _canvas()
    owned = _lay(canvas, 1.0, 0.8, owner=3, coverage=0.5)
    assert not owned.any() and canvas.owner[1, 1] == BACKGROUND
    assert canvas.colour_HW3[1, 1, 0] == np.float32(0.4)


def test_a_window_is_clipped_to_the_canvas_and_none_beside_it():
    canvas = _canvas()
    window = canvas.window(np.array([-3.0, 2.0]), np.array([1.0, 9.0]))
    assert (window.columns, window.rows) == (slice(0, 2), slice(2, 4))
    assert canvas.window(np.array([6.0, 0.0]), np.array([8.0, 2.0])) is None
