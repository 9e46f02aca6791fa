"""`store verify`: exit codes, and repair through the workspace."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from lamp_workspace import write_params, write_teacher

from stages.cli import main


def files(store: Path) -> dict[str, bytes]:
    return {str(f.relative_to(store)): f.read_bytes() for f in store.rglob("*") if f.is_file()}


def verify(workspace: Path, *arguments: object) -> Result:
    result = CliRunner().invoke(
        main, ["store", "verify", *map(str, arguments), "--workspace", str(workspace)]
    )
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 16
    file.write_bytes(data)


def test_sound_stores_are_exit_code_0_and_a_line_each(workspace: Path):
    result = verify(workspace)
    assert result.exit_code == 0
    assert [line.split(": ")[1] for line in result.output.splitlines()] == ["all 2 shards are whole"] * 2


def test_damage_is_exit_code_1_and_changes_nothing(workspace: Path, store: Path):
    flip(store / "map/c.0.0.0.0")
    before = files(store)
    result = verify(workspace)
    assert result.exit_code == 1
    assert f"{store}/map/c.0.0.0.0 (rows " in result.output
    assert f"kd-pipeline store verify --repair {store}" in result.output
    assert files(store) == before


@pytest.mark.parametrize(
    "place", ["map/c.0.0.0.0", "seal/c.1.0", "zarr.json", "crop_id/group.json", "peak/zarr.json"]
)
@pytest.mark.parametrize("harm", [flip, lambda file: file.unlink()], ids=["flipped", "deleted"])
def test_repair_brings_every_byte_back(workspace: Path, store: Path, place: str, harm):
    whole = files(store)
    harm(store / place)
    assert verify(workspace, "--repair", store).exit_code == 0
    assert files(store) == whole


def test_repair_computes_the_damaged_shard_alone(workspace: Path, store: Path):
    flip(store / "map/c.1.0.0.0")
    kept = (store / "map/c.0.0.0.0").stat().st_mtime_ns
    output = verify(workspace, "--repair").output
    assert "1 crops in" in output and "1 shards written, 1 were there" in output
    assert (store / "map/c.0.0.0.0").stat().st_mtime_ns == kept


def test_metadata_is_repaired_without_a_workspace(store: Path, tmp_path: Path):
    copy = Path(shutil.copytree(store, tmp_path / "elsewhere"))
    whole = files(copy)
    (copy / "zarr.json").unlink()
    (tmp_path / "nothing").mkdir()
    assert verify(tmp_path / "nothing", "--repair", copy).exit_code == 0
    assert files(copy) == whole


def test_a_copied_store_is_repaired_through_the_workspace_it_came_from(
    workspace: Path, store: Path, tmp_path: Path
):
    copy = Path(shutil.copytree(store, tmp_path / "elsewhere.zarr"))
    whole = files(copy)
    flip(copy / "map/c.0.0.0.0")
    assert verify(workspace, "--repair", copy).exit_code == 0
    assert files(copy) == whole


def _another_checkpoint(workspace: Path) -> None:
    write_teacher(workspace / "teachers" / "lamp", seed=1)


def _no_such_teacher(workspace: Path) -> None:
    def rename(params: dict) -> None:
        params["teachers"]["lantern"] = params["teachers"].pop("lamp")
        params["cells"]["teachers"] = ["lantern"]

    write_params(workspace, rename)


def _no_params(workspace: Path) -> None:
    (workspace / "params.yaml").unlink()


def _no_image(workspace: Path) -> None:
    for image in (workspace / "images").iterdir():
        image.unlink()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_another_checkpoint, "was extracted with teacher.checkpoint_sha256"),
        (_no_such_teacher, "There is no teacher 'lamp'. Known: lantern. No shard was changed"),
        (_no_params, "--workspace"),
        (_no_image, "now it cannot be read"),
    ],
)
def test_what_cannot_be_computed_again_is_left_as_it_is(workspace: Path, store: Path, change, message: str):
    flip(store / "map/c.0.0.0.0")
    damaged = files(store)
    change(workspace)
    result = verify(workspace, "--repair", store)
    assert result.exit_code == 2
    assert message in result.output
    assert files(store) == damaged


def test_a_store_that_cannot_be_read_does_not_hide_the_others(workspace: Path, store: Path):
    (store / "zarr.json").unlink()
    (store / "crop_id/group.json").unlink()
    result = verify(workspace)
    assert result.exit_code == 2
    assert "Error: " in result.output and "both damaged" in result.output
    assert "street-val.zarr: all 2 shards are whole" in result.output
    report = json.loads(verify(workspace, "--json").stdout)
    assert report[str(store)]["sound"] is False and "both damaged" in report[str(store)]["error"]


@pytest.mark.parametrize("what", ["a file", "nothing", "a folder", "links in a circle"])
def test_no_store_at_the_path_is_exit_code_2_and_one_paragraph(tmp_path: Path, what: str):
    path = tmp_path / "cell.zarr"
    if what == "a file":
        path.write_text("text")
    elif what == "a folder":
        path.mkdir()
    elif what == "links in a circle":
        path.symlink_to(path)
    result = verify(tmp_path, path)
    assert result.exit_code == 2
    assert result.output.startswith("Error: ")
    assert len(result.output.splitlines()) == 1


def test_the_time_of_day_and_of_files_is_of_no_account(workspace: Path, store: Path):
    import os

    for number, file in enumerate(store.rglob("*")):
        os.utime(file, (number, 4e9 * (number % 2)))
    assert verify(workspace).exit_code == 0
    assert (
        CliRunner().invoke(main, ["store", "ls", "--workspace", str(workspace)]).output.count("complete") == 2
    )
