"""How much of a map is one peak, by hand."""

import dataclasses

import pytest
import torch

from pipeline.store.format.map_codec import MapCodec
from student.calibration.teacher_calibration import uncalibrated
from student.targets.mode import mode_share

EXACT = MapCodec("heatmap", "float16", None, None)
PLAIN = dataclasses.replace(uncalibrated("heatmap", 1), exponent=1.0, spread=(1.0, 1.0))
"""A window of three cells to each side."""


def share(map_HW: torch.Tensor, cell: tuple[float, float], **changes) -> float:
    calibration = dataclasses.replace(PLAIN, **changes)
    return float(mode_share({"map": map_HW[None, None]}, EXACT, torch.tensor([[cell]]), calibration))


def two_peaks() -> torch.Tensor:
    map_HW = torch.zeros(20, 30)
    map_HW[5, 4], map_HW[15, 25] = 3.0, 1.0
    return map_HW


def test_it_is_the_share_of_mass_within_the_window():
    assert share(two_peaks(), (4.0, 5.0)) == pytest.approx(0.75)
    assert share(two_peaks(), (25.0, 15.0)) == pytest.approx(0.25)
    assert share(two_peaks(), (15.0, 10.0)) == 0.0


def test_a_windows_border_falls_off_over_one_cell():
    assert share(two_peaks(), (4.0 + 3.25, 5.0)) == pytest.approx(0.75 * 0.25)


def test_an_exponent_raises_what_is_loud():
    assert share(two_peaks(), (4.0, 5.0), exponent=2.0) == pytest.approx(9 / 10)
    assert share(two_peaks(), (4.0, 5.0), exponent=1.5) == pytest.approx(3**1.5 / (3**1.5 + 1))


def test_it_is_relative_to_a_sure_answers_share():
    assert share(two_peaks(), (4.0, 5.0), sure_share=0.75) == pytest.approx(1.0)


def test_an_empty_map_has_no_peak():
    assert share(torch.zeros(20, 30), (4.0, 5.0)) == 0.0


def test_of_simcc_vectors_it_is_the_product_of_both():
    codec = MapCodec("simcc", "float16", None, 1.0)
    x, y = torch.full((1, 1, 40), -20.0), torch.full((1, 1, 30), -20.0)
    x[..., 10], x[..., 30], y[..., 7], y[..., 25] = 1.0, 1.0, 2.0, 2.0
    calibration = dataclasses.replace(uncalibrated("simcc", 1), spread=(1.0, 1.0))
    cell = torch.tensor([[[10.0, 7.0]]])
    assert float(mode_share({"map_x": x, "map_y": y}, codec, cell, calibration)) == pytest.approx(
        0.25, abs=1e-3
    )
