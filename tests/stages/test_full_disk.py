"""A disk that fills up while a command writes: old results stay whole, and the exit code is 2."""

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from full_disk import full_disk, places_to_fail
from lamp_workspace import kd, write_params, write_people, write_teacher

from stages.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PROGRESS = ("runs/student/dvclive", "runs/student/checkpoints")
"""Of the training that resumes, not a result: the log is written again from the checkpoint."""
MOST = 8
"""Places of a command's run where the disk is full."""
GROWING = ("zarr.json", "group.json")
"""A store's own files say which shards it is to have; shards are results."""


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with results of every command."""
    folder = tmp_path_factory.mktemp("results")
    write_people(folder)
    write_teacher(folder / "teachers" / "lamp")
    write_params(folder)
    for command in ("index-datasets", "extract-teachers", "train-student", "evaluate"):
        kd(folder, command)
    kd(folder, "evaluate", "--teachers-only")
    return folder


def move_a_box(folder: Path) -> None:
    people = json.loads((folder / "people.json").read_text())
    people["annotations"][0]["bbox"] = [6, 6, 30, 40]
    (folder / "people.json").write_text(json.dumps(people))


def move_a_box_and_index(folder: Path) -> None:
    move_a_box(folder)
    kd(folder, "index-datasets")


def another_seed(folder: Path) -> None:
    write_params(folder, lambda params: params["train"].update(seed=1))


def more_pictures(folder: Path) -> None:
    write_params(folder, lambda params: params["evaluate"].update(overlays=2))
    (folder / "evaluation" / "predictions" / "street-train" / "gone.json").write_text("[]")


def damage_a_shard(folder: Path) -> None:
    next((folder / "stores/lamp/street-train.zarr/map").glob("c.*")).write_bytes(b"torn")


COMMANDS = {
    "index-datasets": (move_a_box, ["index-datasets"]),
    "extract-teachers": (move_a_box_and_index, ["extract-teachers"]),
    "store verify --repair": (damage_a_shard, ["store", "verify", "--repair"]),
    "train-student": (another_seed, ["train-student"]),
    "evaluate": (more_pictures, ["evaluate"]),
    "evaluate --teachers-only": (more_pictures, ["evaluate", "--teachers-only"]),
    "calibrate": (another_seed, ["calibrate", "--out", "{folder}/calibration.json"]),
    "synthesize": (
        another_seed,
        ["synthesize", "synth_mpii", "--out", "{folder}/drawn", *["--train", "1", "--val", "1"]],
    ),
    "detect-people": (
        another_seed,
        ["detect-people", "{folder}/images", "--whole-pictures", "--out", "{folder}/boxes.json"],
    ),
    "fidelity": (another_seed, ["fidelity", "--plot", "{folder}/drift.png"]),
}


def invoke(folder: Path, arguments: list[str]):
    formatted = [argument.format(folder=folder) for argument in arguments]
    place = [] if arguments[0] in ("synthesize", "detect-people") else ["--workspace", str(folder)]
    return CliRunner().invoke(main, [*formatted, *place])


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("prepare", "arguments"), COMMANDS.values(), ids=COMMANDS)
def test_a_full_disk_keeps_old_results_whole(
    results: Path, tmp_path: Path, prepare: Callable[[Path], None], arguments: list[str]
):
    start = tmp_path / "start"
    shutil.copytree(results, start)
    prepare(start)
    folder = tmp_path / "run"
    shutil.copytree(start, folder)
    with full_disk(folder) as disk:
        done = invoke(folder, arguments)
    assert done.exit_code == 0, done.output
    old, new = files(start), files(folder)
    assert disk.requests
    for room in sorted(set(places_to_fail(disk.requests, MOST))):
        shutil.rmtree(folder)
        shutil.copytree(start, folder)
        with full_disk(folder, room):
            failed = invoke(folder, arguments)
        place = f"{room}: {disk.requests[room]}"
        if failed.exit_code == 0:
            assert "Warning: " in failed.output or files(folder) == new, place
        else:
            assert failed.exit_code == 2, f"{place}: {failed.output} {failed.exception!r}"
            message = failed.output[failed.output.index("Error: ") :]
            assert "No space left" in message and "ake" in message and "\n\n" not in message.strip(), message
        for name, content in files(folder).items():
            if not name.startswith(PROGRESS) and not name.endswith(GROWING):
                assert content in (old.get(name), new.get(name)), f"{place}: {name} is neither old nor new"
        assert old.keys() - files(folder).keys() <= old.keys() - new.keys() | {
            name for name in old if name.startswith(PROGRESS)
        }, place
        again = invoke(folder, arguments)
        assert again.exit_code == 0, f"{place}: {again.output}"
        assert files(folder).keys() == new.keys(), place


def test_a_workspace_for_which_there_is_no_room_is_not_begun(tmp_path: Path):
    folder = tmp_path / "mine"
    for room in (0, 12, 25):
        with full_disk(tmp_path, room):
            failed = CliRunner().invoke(main, ["init", str(folder)])
        assert failed.exit_code == 2 and "No space left" in failed.output
        assert list(tmp_path.iterdir()) == []
    assert CliRunner().invoke(main, ["init", str(folder)]).exit_code == 0
    assert not list(folder.rglob("*.tmp"))


def test_a_write_that_nothing_else_answers_for_ends_in_one_paragraph_too(monkeypatch, tmp_path: Path):
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "somewhere")

    monkeypatch.setattr("stages.workspaces.template.write_workspace", full)
    failed = CliRunner().invoke(main, ["init", str(tmp_path / "mine")])
    assert failed.exit_code == 2
    assert "no space left to write somewhere: No space left on device." in failed.output
