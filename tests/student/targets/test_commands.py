"""`kd-pipeline calibrate`, and the offsets of `kd-pipeline skeleton show`."""

import json

import pytest
from click.testing import CliRunner

from stages.cli import main
from student.calibration.teacher_calibration import read_calibration


@pytest.fixture
def root(tiny, make_heatmap_teacher):
    tiny.add_dataset("dots", 25)
    workspace = tiny.open()
    tiny.add_store(make_heatmap_teacher(), "dots", workspace)
    return workspace.root


def test_calibrate_prints_a_row_a_teacher_and_writes_the_file(root):
    result = CliRunner().invoke(main, ["calibrate", "--workspace", str(root), "--out", str(root / "c.json")])
    assert result.exit_code == 0, result.output
    row = next(line for line in result.output.splitlines() if line.startswith("dots_heatmap"))
    assert "100.0 %" in row
    assert read_calibration(root / "c.json").teachers["dots_heatmap"].right == 1.0


def test_skeleton_show_lists_offsets_when_asked(root):
    shown = CliRunner().invoke(main, ["skeleton", "show", "--workspace", str(root), "--offsets"])
    assert shown.exit_code == 0, shown.output
    assert "mpii16 left_hip: +0.000 along the torso" in shown.output.replace("-0.000", "+0.000")
    printed = CliRunner().invoke(main, ["skeleton", "show", "--workspace", str(root), "--offsets", "--json"])
    assert set(json.loads(printed.output)["offsets"]["mpii16"]) == {"left_hip", "right_hip"}
    refused = CliRunner().invoke(main, ["skeleton", "show", "coco17", "--offsets"])
    assert refused.exit_code == 2 and "Leave out either" in refused.output
