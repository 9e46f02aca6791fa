import numpy as np
import pytest
import torch

from pipeline.geometry import MapGeometry
from pipeline.teachers.flip import mean, unflip
from pipeline.teachers.maps import HeatmapOutput, SimCCOutput


@pytest.mark.mm
@pytest.mark.usefixtures("openmmlab")
@pytest.mark.parametrize(("shift", "mirror"), [(False, 23.0), (True, 24.0)])
def test_whole_mirrors_are_mmposes_with_and_without_its_shift(shift, mirror):
    from mmpose.models.utils.tta import flip_heatmaps

    maps = torch.rand(2, 3, 32, 24)
    theirs = flip_heatmaps(maps.clone(), [1, 0, 2], flip_mode="heatmap", shift_heatmap=shift)
    torch.testing.assert_close(unflip(HeatmapOutput(maps), [1, 0, 2], mirror).heatmap_BKHW, theirs)


@pytest.mark.mm
@pytest.mark.usefixtures("openmmlab")
def test_simcc_vectors_flip_as_mmposes():
    from mmpose.models.utils.tta import flip_vectors

    x, y = torch.rand(2, 3, 48), torch.rand(2, 3, 64)
    ours = unflip(SimCCOutput(x, y), [1, 0, 2], 47.0)
    theirs = flip_vectors(x, y, [1, 0, 2])
    torch.testing.assert_close((ours.x_BKW, ours.y_BKW), theirs)


def test_a_fractional_mirror_interpolates_by_hand():
    """Cell i is cell 2.75 - i of the mirror image: a quarter of cell 2 - i, the rest of 3 - i."""
    mirrored = torch.tensor([0.0, 1.0, 2.0, 4.0]).view(1, 1, 1, 4)
    ours = unflip(HeatmapOutput(mirrored), [0], 2.75).heatmap_BKHW.flatten()
    np.testing.assert_allclose(ours, [0.25 * 2 + 0.75 * 4, 0.25 * 1 + 0.75 * 2, 0.75 * 1, 0.0])


@pytest.mark.parametrize(("scale", "offset"), [(4.0, 1.5), (2.0, 0.0), (1.0, 0.0), (255 / 63, 0.0)])
def test_an_ideal_teachers_mirror_image_unflips_onto_its_answer(scale, offset):
    """Maps drawn at a point of the crop, and at its place in the mirrored crop, agree after unflipping."""
    width, cells = 256, round(256 / scale)
    geometry = MapGeometry("heatmap", (cells, 1), (scale, 1.0), (offset, 0.0))
    point = scale * 20.3 + offset

    def map_of(x):
        at = scale * torch.arange(cells) + offset
        return torch.exp(-((at - x) ** 2) / (2 * (3 * scale) ** 2)).view(1, 1, 1, cells)

    back = unflip(HeatmapOutput(map_of(width - 1 - point)), [0], geometry.mirror(width)).heatmap_BKHW
    torch.testing.assert_close(back, map_of(point), atol=0.02, rtol=0)


def test_left_and_right_change_places():
    maps = torch.arange(3.0).view(1, 3, 1, 1)
    flipped = unflip(HeatmapOutput(maps), [1, 0, 2], 0.0).heatmap_BKHW
    np.testing.assert_array_equal(flipped.flatten(), [1, 0, 2])


def test_the_mean_is_half_of_each():
    one, other = HeatmapOutput(torch.zeros(1, 1, 2, 2)), HeatmapOutput(torch.ones(1, 1, 2, 2))
    assert (mean(one, other).heatmap_BKHW == 0.5).all()
    vectors = SimCCOutput(torch.zeros(1, 1, 2), torch.ones(1, 1, 3))
    assert (mean(vectors, vectors).y_BKW == 1).all()
