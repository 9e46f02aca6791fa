"""The flip test's maps lie where the network sees joints, also where its own flip test moves them."""

import numpy as np
import pytest
import torch

from pipeline.conventions.convention_file import read_convention
from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.teachers.maps import HeatmapOutput, Maps, SimCCOutput
from pipeline.teachers.normalise import Normalisation
from pipeline.teachers.topdown import Origin, TopDownTeacher

CROP = CropGeometry((96, 64), 1.25)
MSRA = MapGeometry("heatmap", (24, 16), (4.0, 4.0))
UDP = MapGeometry("heatmap", (24, 16), (95 / 23, 63 / 15))
SIMCC = MapGeometry("simcc", (192, 128), (0.5, 0.5))
CONVENTION = "joints:\n  spot: {sigma: 0.05}\n"


class SpotNetwork:
    """Gaussians around the one white pixel of each crop, and keypoints at their means along x."""

    def __init__(self, made: MapGeometry) -> None:
        self.made = made

    def __call__(self, images_BHW3: torch.Tensor) -> Maps:
        spot = torch.nonzero(images_BHW3[..., 0])[:, [2, 1]].double()
        x, y = (
            torch.exp(
                -(
                    (
                        torch.arange(size)
                        - (spot[:, axis, None] - self.made.offset[axis]) / self.made.scale[axis]
                    )
                    ** 2
                )
                / (8 if size < 100 else 200)
            ).float()[:, None]
            for axis, size in enumerate(self.made.size)
        )
        if self.made.kind == "simcc":
            return SimCCOutput(x, y)
        return HeatmapOutput(y[..., :, None] * x[..., None, :])

    def decode(self, maps: Maps) -> tuple[np.ndarray, np.ndarray]:
        keypoints_BK2 = np.stack([mean_column(maps), np.zeros_like(mean_column(maps))], -1)
        return keypoints_BK2.astype(np.float32), np.ones(keypoints_BK2.shape[:2], np.float32)


def mean_column(maps: Maps) -> np.ndarray:
    marginal = maps.x_BKW if isinstance(maps, SimCCOutput) else maps.heatmap_BKHW.sum(-2)
    return ((marginal @ torch.arange(marginal.shape[-1]).float()) / marginal.sum(-1)).numpy()


@pytest.mark.parametrize(
    ("made", "own_mirror", "own_offset"),
    [
        pytest.param(MSRA, 23.0, -0.375, id="msra, not shifted"),  # the true axis is 95 / 4 = 23.75
        pytest.param(MSRA, 24.0, 0.125, id="msra, shifted"),
        pytest.param(UDP, 23.0, 0.0, id="udp"),
        pytest.param(SIMCC, 191.0, 0.5, id="simcc"),  # 190: half a bin, a quarter of a pixel
    ],
)
def test_flip_tested_maps_are_not_moved(tmp_path, made, own_mirror, own_offset):
    (tmp_path / "spot.yaml").write_text(CONVENTION)
    teacher = TopDownTeacher(
        name="spot",
        network=SpotNetwork(made),
        convention=read_convention(tmp_path / "spot.yaml"),
        crop=CROP,
        made=made,
        map=made,
        own_mirror=own_mirror,
        flip_test=True,
        beta=None,
        normalisation=Normalisation("BGR"),
        origin=Origin("test", 1, "", ""),
    )
    images_BHW3 = torch.zeros(3, 64, 96, 3, dtype=torch.uint8)
    for crop, column in enumerate((40, 47, 55)):
        images_BHW3[crop, 30, column] = 255
    output = teacher.predict(images_BHW3)
    true = (np.array([[40], [47], [55]]) - made.offset[0]) / made.scale[0]
    assert mean_column(output.maps) == pytest.approx(true, abs=0.02)
    # Keypoints are the network's own, decoded from maps averaged about its own axis.
    assert output.keypoints_BK2[..., 0] == pytest.approx(true + own_offset, abs=0.02)
