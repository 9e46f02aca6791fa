import numpy as np
import pytest

from pipeline.geometry import MapGeometry, apply

HALF_PIXEL = MapGeometry("heatmap", (64, 64), (4.0, 4.0), (1.5, 1.5))


def test_cells_lie_where_scale_and_offset_put_them():
    np.testing.assert_allclose(HALF_PIXEL.to_input(np.array([[0.0, 1.0]])), [[1.5, 5.5]])


def test_the_map_affine_undoes_to_input():
    cells = np.array([[0.0, 0.0], [3.25, 63.0]])
    np.testing.assert_allclose(apply(HALF_PIXEL.map_affine(), HALF_PIXEL.to_input(cells)), cells)


@pytest.mark.parametrize(
    ("scale", "offset", "width", "mirror"),
    [
        (4.0, 1.5, 256, 63.0),  # cells of 4 whole pixels: cell 0 mirrors cell 63
        (4.0, 0.0, 256, 63.75),  # cells at pixels 0, 4, ..: pixel 0 mirrors pixel 255, between two cells
        (255 / 63, 0.0, 256, 63.0),  # UDP: the corners are cells
        (0.5, 0.0, 192, 382.0),  # SimCC: two bins to a pixel
    ],
)
def test_the_mirror_of_cell_zero_is_the_cell_that_shows_the_mirrored_pixel(scale, offset, width, mirror):
    geometry = MapGeometry("heatmap", (64, 64), (scale, scale), (offset, offset))
    assert geometry.mirror(width) == pytest.approx(mirror)
