import numpy as np
import torch

from pipeline.teachers.normalise import Normalisation

BLUE = torch.tensor([255, 0, 0], dtype=torch.uint8).view(1, 1, 1, 3)


def test_channels_are_swapped_before_mean_and_deviation():
    rgb = Normalisation("RGB", mean=(1.0, 2.0, 3.0), std=(1.0, 2.0, 4.0))
    np.testing.assert_allclose(rgb(BLUE).flatten(), [(0 - 1) / 1, (0 - 2) / 2, (255 - 3) / 4])
    bgr = Normalisation("BGR", mean=(1.0, 2.0, 3.0), std=(1.0, 2.0, 4.0))
    np.testing.assert_allclose(bgr(BLUE).flatten(), [(255 - 1) / 1, (0 - 2) / 2, (0 - 3) / 4])


def test_scale_comes_first():
    unit = Normalisation("BGR", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), scale=1 / 255)
    np.testing.assert_allclose(unit(BLUE).flatten(), [1, -1, -1], rtol=1e-6)


def test_the_result_has_its_channels_first():
    assert Normalisation("RGB")(torch.zeros(2, 5, 4, 3, dtype=torch.uint8)).shape == (2, 3, 5, 4)
