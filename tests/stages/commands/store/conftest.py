"""A workspace with one small ONNX teacher, two datasets and their complete stores, made once."""

import shutil
from pathlib import Path

import pytest
from lamp_workspace import kd, write_params, write_people, write_teacher


def two_datasets(params: dict) -> None:
    params["datasets"]["street-val"] = params["datasets"]["street-train"]
    params["cells"]["datasets"] = ["street-train", "street-val"]
    params["extract"] = {"shard_size": 2}


@pytest.fixture(scope="session")
def made_workspace(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    write_people(folder)
    write_teacher(folder / "teachers" / "lamp")
    write_params(folder, two_datasets)
    kd(folder, "index-datasets")
    kd(folder, "extract-teachers")
    return folder


@pytest.fixture
def workspace(made_workspace: Path, tmp_path: Path) -> Path:
    """Crop tables name their images by paths from the workspace, so a copy is as good as the first."""
    return Path(shutil.copytree(made_workspace, tmp_path / "moved"))


@pytest.fixture
def store(workspace: Path) -> Path:
    """Two shards, of two crops and of one."""
    return workspace / "stores/lamp/street-train.zarr"
