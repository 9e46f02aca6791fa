"""`kd-pipeline fidelity`: its table and its plot."""

import numpy as np
import pytest

from pipeline.errors import KDError
from stages.terminal.fidelity_plot import plot_drift
from stages.terminal.fidelity_table import fidelity_table

FIGURES = {
    "joints_measured": 3,
    "ties": 1,
    "drift_p50_px": 0.01,
    "drift_p90_px": 0.02,
    "drift_p99_px": 0.03,
    "drift_p100_px": 0.04,
    "kl_nats": 0.5,
    "kl_nats_sure": None,
    "relative_rmse": 0.25,
}


def test_a_line_for_the_cell_and_one_for_each_joint():
    figures = {"t/d": {"bytes_per_crop": 1234.5, "all_joints": FIGURES, "joints": {"nose": FIGURES}}}
    head, cell, joint = fidelity_table(figures).splitlines()
    assert head.split()[:3] == ["bytes", "joints", "ties"]
    assert cell.split() == [
        "t/d",
        "1234",
        "3",
        "1",
        "0.010",
        "0.020",
        "0.030",
        "0.040",
        "0.500",
        "-",
        "0.250",
    ]
    assert joint.startswith("  nose ")
    assert len({len(head), len(cell), len(joint)}) == 1


def test_a_plot_is_written_also_of_cells_without_a_sure_joint(tmp_path):
    drift = {"t/sure": np.array([[0.0, 0.2], [np.nan, 0.1]]), "t/unsure": np.full((2, 2), np.nan)}
    plot_drift(drift, tmp_path / "drift.png")
    assert (tmp_path / "drift.png").read_bytes().startswith(b"\x89PNG")


def test_a_plot_of_an_unknown_kind_is_an_error(tmp_path):
    with pytest.raises(KDError, match=r"cannot be written.*Name a .png, .pdf or .svg file"):
        plot_drift({"t/d": np.zeros((1, 1))}, tmp_path / "drift.doc")


def test_a_plot_s_folder_is_made(tmp_path):
    plot_drift({"t/d": np.zeros((1, 1))}, tmp_path / "missing" / "drift.png")
    assert (tmp_path / "missing" / "drift.png").is_file()
