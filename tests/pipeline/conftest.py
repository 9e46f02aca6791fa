"""A complete small cell of each kind, made once."""

import shutil
from pathlib import Path

import pytest
from fake_cell import EXTRACT, RUNTIME, FakeTeacher, make_table

from pipeline.datasets.crop_table import CropTable
from pipeline.extraction.extract import extract_cell

BETA = 10.0


@pytest.fixture(scope="session")
def table(tmp_path_factory) -> CropTable:
    """Ten crops: two shards of four, one of two."""
    return make_table(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def made_stores(tmp_path_factory, table) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("made")
    for kind, beta in (("heatmap", None), ("simcc", BETA)):
        extract_cell(FakeTeacher(kind, beta=beta), table, folder / f"{kind}.zarr", EXTRACT, RUNTIME)
    return {kind: folder / f"{kind}.zarr" for kind in ("heatmap", "simcc")}


@pytest.fixture
def heatmap_store(made_stores, tmp_path) -> Path:
    """A complete heatmap cell that the test may damage."""
    return Path(shutil.copytree(made_stores["heatmap"], tmp_path / "stores" / "heatmap.zarr"))


@pytest.fixture
def simcc_store(made_stores, tmp_path) -> Path:
    """A complete SimCC cell that the test may damage."""
    return Path(shutil.copytree(made_stores["simcc"], tmp_path / "stores" / "simcc.zarr"))
