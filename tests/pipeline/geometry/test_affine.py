import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.geometry import apply, compose, invert

QUARTER_TURN = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])
SHIFT = np.array([[1.0, 0.0, 5.0], [0.0, 1.0, -2.0]])
affines = arrays(np.float64, (3, 2, 3), elements=st.floats(-10, 10))
points = arrays(np.float64, (3, 4, 2), elements=st.floats(-1000, 1000))


def test_the_inner_affine_comes_first():
    moved_then_turned = apply(compose(QUARTER_TURN, SHIFT), np.array([[1.0, 0.0]]))
    turned_then_moved = apply(compose(SHIFT, QUARTER_TURN), np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(moved_then_turned, [[2.0, 6.0]])
    np.testing.assert_allclose(turned_then_moved, [[5.0, -1.0]])


def test_one_affine_composes_with_a_stack():
    stack = np.stack([SHIFT, QUARTER_TURN])
    np.testing.assert_allclose(compose(QUARTER_TURN, stack)[0], compose(QUARTER_TURN, SHIFT))
    np.testing.assert_allclose(compose(stack, QUARTER_TURN)[1], compose(QUARTER_TURN, QUARTER_TURN))


@given(affines, points)
def test_applying_a_composition_is_applying_both(affine, point):
    np.testing.assert_allclose(
        apply(compose(affine, affine[::-1]), point), apply(affine, apply(affine[::-1], point)), atol=1e-6
    )


@given(affines, points)
def test_the_inverse_brings_every_point_back(affine, point):
    affine[:, :, :2] += 50 * np.eye(2)  # far from singular
    np.testing.assert_allclose(apply(invert(affine), apply(affine, point)), point, atol=1e-9)


def test_float32_affines_are_computed_in_float64():
    tenth = np.array([[0.1, 0.0, 0.0], [0.0, 0.1, 0.0]], dtype=np.float32)
    assert compose(tenth, tenth).dtype == invert(tenth).dtype == np.float64
