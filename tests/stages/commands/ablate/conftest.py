"""An ablation as a user runs it, from extraction to the table; every run is a process of its own."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from lamp_workspace import kd, write_params, write_people, write_teacher

from pipeline.teachers.forward_passes import FORWARD_PASSES
from stages.cli import main

FILE = {
    "name": "toy",
    "seeds": [0],
    "arms": {
        "gt": {"distill.weight": 0},
        "lost": {"distill.weight": 0, "train.datasets": ["alley-train"]},
        "kd": {},
    },
    "baseline": "gt",
    "groups": {"feet": {"datasets": ["street-train"], "joints": ["left_ankle", "right_ankle"]}},
}


def write_ablation(workspace: Path, **changes) -> str:
    path = workspace / "ablation.yaml"
    path.write_text(yaml.safe_dump({**FILE, **changes}, sort_keys=False))
    return str(path)


def _alley(params: dict) -> None:
    """A second dataset, of the same pictures in a folder of their own."""
    params["datasets"]["alley-train"] = params["datasets"]["street-train"] | {"images": "alley"}


@dataclass(frozen=True)
class Ablated:
    """A workspace after one `kd-pipeline ablate`, with what was printed and the crops teachers were shown
    in extraction."""

    root: Path
    file: str
    exit_code: int
    output: str
    extraction_passes: int

    @property
    def folder(self) -> Path:
        return self.root / "ablations" / "toy"


@pytest.fixture(scope="session")
def indexed(tmp_path_factory) -> Path:
    """Crops, and a teacher that was never asked."""
    root = tmp_path_factory.mktemp("ablation")
    write_people(root)
    write_teacher(root / "teachers" / "lamp")
    write_params(root, _alley)
    shutil.copytree(root / "images", root / "alley")
    kd(root, "index-datasets")
    return root


@pytest.fixture
def workspace(indexed: Path, tmp_path: Path) -> Path:
    """Without stores."""
    return Path(shutil.copytree(indexed, tmp_path / "workspace"))


@pytest.fixture(scope="session")
def ablated(indexed: Path, tmp_path_factory) -> Ablated:
    """Three runs, two at a time. One fails: its dataset has lost its pictures since it was indexed."""
    root = Path(shutil.copytree(indexed, tmp_path_factory.mktemp("ablated") / "workspace"))
    before = FORWARD_PASSES.crops
    kd(root, "extract-teachers")
    passes = FORWARD_PASSES.crops - before
    for picture in (root / "alley").iterdir():
        picture.unlink()
    file = write_ablation(root)
    result = CliRunner().invoke(main, ["ablate", file, "--workspace", str(root), "--jobs", "2"])
    return Ablated(root, file, result.exit_code, result.output, passes)


@pytest.fixture
def write_file() -> Callable[..., str]:
    """Writes the ablation with other sections into a workspace; its path."""
    return write_ablation
