"""`store ls`: every cell with its state."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from lamp_workspace import write_params, write_teacher

from stages.cli import main


def ls(workspace: Path, *arguments: str) -> str:
    result = CliRunner().invoke(main, ["store", "ls", *arguments, "--workspace", str(workspace)])
    assert result.exit_code == 0, result.output
    return result.output


def cell(workspace: Path, dataset: str = "street-train") -> dict:
    (found,) = [c for c in json.loads(ls(workspace, "--json")) if c["dataset"] == dataset]
    return found


def test_a_complete_cell_with_its_size(workspace: Path, store: Path):
    size = sum(file.stat().st_size for file in store.rglob("*") if file.is_file())
    found = cell(workspace)
    assert (found["state"], found["crops"], found["shards_there"]) == ("complete", 3, 2)
    assert found["bytes"] == size
    assert found["bytes_per_crop"] == pytest.approx(size / 3)


def test_a_cell_without_all_shards_is_partial(workspace: Path, store: Path):
    (store / "map/c.1.0.0.0").unlink()
    found = cell(workspace)
    assert (found["state"], found["detail"], found["rows_there"]) == ("partial", "1 of 2 shards", 2)


def test_a_cell_of_params_without_a_store_is_missing(workspace: Path, store: Path):
    shutil.rmtree(store)
    assert cell(workspace)["state"] == "missing"


def test_a_cell_that_its_teachers_own_list_leaves_out_is_not_missed_but_what_is_there_is_listed(
    workspace: Path, store: Path
):
    change = _params("adapter: onnx", "adapter: onnx\n    datasets: [street-val]")
    change(workspace)
    found = cell(workspace)
    assert (found["state"], found["detail"]) == (
        "complete",
        "not one of the cells of params.yaml, so nothing reads it",
    )
    shutil.rmtree(store)
    assert [c["dataset"] for c in json.loads(ls(workspace, "--json"))] == ["street-val"]


def _another_checkpoint(workspace: Path) -> None:
    write_teacher(workspace / "teachers" / "lamp", seed=1)


def _another_sidecar(workspace: Path) -> None:
    place = workspace / "teachers/lamp/lamp.yaml"
    place.write_text(place.read_text().replace("1.25", "1.5"))


def _params(old: str, new: str):
    def change(workspace: Path) -> None:
        place = workspace / "params.yaml"
        assert old in place.read_text()
        place.write_text(place.read_text().replace(old, new))

    return change


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (_another_checkpoint, "teacher.checkpoint_sha256"),
        (_another_sidecar, "teacher.config_sha256"),
        (
            _params("adapter: onnx", "adapter: onnx\n    flip_test: false"),
            "teacher.flip_test true, now false",
        ),
        (_params("adapter: onnx", "adapter: onnx\n    storage_size: [12, 8]"), "teacher.map.size"),
        (_params("shard_size: 2", "shard_size: 2\n  floor: 7"), "codec.floor"),
    ],
)
def test_a_cell_made_from_something_else_is_stale(workspace: Path, change, what: str):
    change(workspace)
    found = cell(workspace)
    assert found["state"] == "stale"
    assert what in found["detail"]


@pytest.mark.parametrize(
    "change",
    [
        _params("batch_size: 2", "batch_size: 1"),
        _params("adapter: onnx", "adapter: onnx\n    datasets: [street-train]"),
        _params("workers: 0", "workers: 1"),
        lambda workspace: shutil.rmtree(workspace / "images"),
        lambda workspace: (workspace / "teachers/lamp/lamp.onnx").touch(),
        lambda workspace: (workspace / "teachers/lamp/lamp.onnx").unlink(),
    ],
)
def test_what_the_maps_do_not_depend_on_makes_none_stale(workspace: Path, change):
    change(workspace)
    assert cell(workspace)["state"] == "complete"


def test_a_store_of_a_teacher_that_params_do_not_know_is_an_orphan(workspace: Path, store: Path):
    def rename(params: dict) -> None:
        params["teachers"]["lantern"] = params["teachers"].pop("lamp")
        params["cells"]["teachers"] = ["lantern"]

    write_params(workspace, rename)
    states = {(c["teacher"], c["dataset"]): c["state"] for c in json.loads(ls(workspace, "--json"))}
    assert states == {
        ("lamp", "street-train"): "orphan",
        ("lamp", "street-val"): "orphan",
        ("lantern", "street-train"): "missing",
    }


@pytest.mark.parametrize("damage", ["attributes", "file", "folder"])
def test_what_is_no_sound_store_is_unreadable_and_the_list_continues(
    workspace: Path, store: Path, damage: str
):
    if damage == "attributes":
        (store / "zarr.json").write_text("{")
    else:
        shutil.rmtree(store)
        store.write_text("a file") if damage == "file" else store.mkdir()
    assert cell(workspace)["state"] == "unreadable"
    assert cell(workspace, "street-val")["state"] == "complete"


def test_the_table_is_aligned_and_ends_with_the_total(workspace: Path, store: Path):
    shutil.rmtree(store)
    lines = ls(workspace).splitlines()
    assert lines[0].split() == ["TEACHER", "DATASET", "STATE", "CROPS", "SIZE", "BYTES/CROP"]
    assert lines[1].split() == ["lamp", "street-train", "missing", "-", "-", "-", "not", "extracted", "yet"]
    assert lines[2].startswith("lamp     street-val    complete      3  ")
    assert lines[3].startswith("2 cells, ")


def test_no_row_is_read(workspace: Path, store: Path):
    for file in store.glob("*/c.*"):
        file.write_bytes(b"")
    assert cell(workspace)["state"] == "complete"
