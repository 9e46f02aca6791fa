"""The import names are plain words, so another distribution could claim them: they must be ours."""

import importlib
import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["pipeline", "stages", "student"])
def test_the_import_packages_belong_to_kd_pipeline(name: str, repository: Path):
    assert Path(importlib.import_module(name).__file__).is_relative_to(repository)
    assert set(importlib.metadata.packages_distributions().get(name, ())) <= {"kd-pipeline"}


def test_the_command_is_installed():
    entry_points = importlib.metadata.entry_points(group="console_scripts", name="kd-pipeline")
    assert [entry.value for entry in entry_points] == ["stages.cli:main"]


def test_every_pin_names_a_version_and_no_address(repository: Path):
    pins = (repository / "constraints.txt").read_text().split()
    assert len(pins) > 100
    assert all(pin.count("==") == 1 and "/" not in pin for pin in pins)


def test_openmmlab_is_pinned_as_measured(repository: Path):
    dependencies = tomllib.loads((repository / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {"mmpose==1.3.2", "mmdet==3.3.0", "mmengine==0.10.7", "mmcv-lite==2.1.0", "zarr==3.1.5"} <= set(
        dependencies
    )


def test_the_layers_hold():
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_stage_two_imports_nothing_of_openmmlab():
    blocked = "import sys; sys.modules.update(dict.fromkeys(('mmpose', 'mmdet', 'mmengine', 'mmcv')))\n"
    modules = (
        "import stages.cli, student.training.train, student.inference.crop_inference, "
        "student.evaluation.evaluate"
    )
    done = subprocess.run(
        [sys.executable, "-c", blocked + modules], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
