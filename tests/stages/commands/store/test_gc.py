"""`store gc` deletes what is not needed any more, and nothing else."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from lamp_workspace import write_params

from pipeline.files.durable import Session
from stages.cli import main

DRAFT = ".street-train.zarr." + "0123456789abcdef" * 2


def gc(workspace: Path, *arguments: str, answer: str = "") -> Result:
    result = CliRunner().invoke(main, ["store", "gc", *arguments, "--workspace", str(workspace)], answer)
    assert "Traceback" not in result.output
    return result


@pytest.fixture
def orphan(workspace: Path) -> Path:
    """The store of a dataset that params.yaml does not know."""
    return Path(
        shutil.copytree(workspace / "stores/lamp/street-val.zarr", workspace / "stores/lamp/avenue.zarr")
    )


def test_a_workspace_in_order_has_nothing_to_delete(workspace: Path):
    assert gc(workspace, "--yes").output == "nothing to delete\n"


def test_it_lists_asks_and_deletes_the_orphan_alone(workspace: Path, orphan: Path):
    result = gc(workspace, answer="y\n")
    assert str(orphan) in result.output and "params.yaml does not know" in result.output
    assert "Delete these 1 folders" in result.output
    assert sorted(path.name for path in orphan.parent.iterdir()) == ["street-train.zarr", "street-val.zarr"]


@pytest.mark.parametrize(("arguments", "answer"), [((), "n\n"), ((), ""), (("--dry-run", "--yes"), "")])
def test_nothing_goes_without_a_yes(workspace: Path, orphan: Path, arguments: tuple[str, ...], answer: str):
    result = gc(workspace, *arguments, answer=answer)
    assert str(orphan) in result.output
    assert (orphan / "zarr.json").exists()


def test_leftovers_of_killed_extractions_go(workspace: Path, store: Path):
    dead = store / ".partial" / "dead"
    dead.mkdir(parents=True)
    (dead / "map.c.0.0.0.0").write_bytes(b"half")
    for name in (DRAFT, f"{DRAFT}.old"):
        shutil.copytree(store, store.parent / name)
    assert "deleted 3 folders" in gc(workspace, "--yes").output
    assert sorted(path.name for path in store.parent.iterdir()) == ["street-train.zarr", "street-val.zarr"]
    assert not (store / ".partial").exists()


def test_a_living_extraction_is_not_disturbed(workspace: Path, orphan: Path):
    session = Session(orphan)
    result = gc(workspace, "--yes")
    assert "another process is extracting into it" in result.output
    assert session.folder.exists()
    session.close()


def test_a_cell_that_params_name_stays_whatever_its_state(workspace: Path, store: Path):
    write_params(
        workspace,
        lambda params: params["datasets"].update({"street-val": params["datasets"]["street-train"]}),
    )
    (store / "zarr.json").write_text("{")
    assert gc(workspace, "--yes").output == "nothing to delete\n"
    assert store.exists()


def _strange_file(store: Path) -> str:
    (store / "notes.txt").write_text("mine")
    return "notes.txt"


def _strange_array(store: Path) -> str:
    (store / "mine").mkdir()
    (store / "mine" / "c.0").write_text("mine")
    return "mine/c.0"


def _damage(store: Path) -> str:
    (store / "zarr.json").write_text("{")
    return "is no JSON"


def _other_folder(store: Path) -> str:
    shutil.rmtree(store)
    store.mkdir()
    (store / "results.csv").write_text("mine")
    return "zarr.json is missing"


def _link(store: Path) -> str:
    store.rename(store.with_name("elsewhere"))
    store.symlink_to(store.with_name("elsewhere"))
    return "it is a link"


@pytest.mark.parametrize("change", [_strange_file, _strange_array, _damage, _other_folder, _link])
def test_a_folder_that_is_not_as_a_whole_a_store_is_left_alone(workspace: Path, orphan: Path, change):
    reason = change(orphan)
    before = sorted(orphan.rglob("*"))
    result = gc(workspace, "--yes")
    assert f"left alone, though params.yaml does not name it: {orphan}: " in result.output
    assert reason in result.output
    assert sorted(orphan.rglob("*")) == before


def test_hidden_folders_that_are_no_drafts_stay(workspace: Path, store: Path):
    (store.parent / ".cache").mkdir()
    (store.parent / ".street-train.zarr.backup").mkdir()
    assert gc(workspace, "--yes").output == "nothing to delete\n"


@pytest.mark.parametrize("linked", ["stores", "stores/lamp", "stores/lamp/street-val.zarr"])
def test_nothing_behind_a_link_goes(workspace: Path, store: Path, orphan: Path, linked: str):
    """Neither orphans, nor drafts, nor leftovers: another workspace may link to the same folder."""
    shutil.copytree(store, store.parent / DRAFT)
    (workspace / "stores/lamp/street-val.zarr/.partial/dead").mkdir(parents=True)
    elsewhere = workspace.parent / "shared"
    (workspace / linked).rename(elsewhere)
    (workspace / linked).symlink_to(elsewhere)
    there = sorted(elsewhere.rglob("*"))
    gc(workspace, "--yes")
    assert sorted(elsewhere.rglob("*")) == there


def test_a_workspace_that_is_reached_through_a_link_is_cleared_as_any(workspace: Path, orphan: Path):
    link = workspace.parent / "link"
    link.symlink_to(workspace)
    assert "deleted 1 folders" in gc(link, "--yes").output and not orphan.exists()
