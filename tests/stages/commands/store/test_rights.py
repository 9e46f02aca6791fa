"""Stores of another user: what may be read is read, the rest is one paragraph."""

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from stages.cli import main

NOBODY = 65534
FORK = multiprocessing.get_context("fork")


def _invoke(arguments: tuple[str, ...], sending: Connection) -> None:
    torch.set_num_threads(1)
    if os.getuid() == 0:  # whom no permission holds back
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    result = CliRunner().invoke(main, arguments)
    sending.send((result.exit_code, result.output))


def as_nobody(*arguments: object) -> tuple[int, str]:
    """Exit code and output of a command that another user gives."""
    receiving, sending = FORK.Pipe(duplex=False)
    process = FORK.Process(target=_invoke, args=(tuple(map(str, arguments)), sending))
    process.start()
    assert receiving.poll(60)
    result = receiving.recv()
    process.join()
    return result


@pytest.fixture
def read_only(made_workspace: Path) -> Iterator[Path]:
    """A workspace readable for all, writable for none; outside of pytest's folders, which are its user's."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(shutil.copytree(made_workspace, Path(folder) / "workspace"))
        places = [Path(folder), workspace, *workspace.rglob("*")]
        for place in places:
            place.chmod(0o555 if place.is_dir() else 0o444)
        yield workspace
        for place in places:
            place.chmod(0o755 if place.is_dir() else 0o644)


@pytest.mark.parametrize("command", ["ls", "info", "verify"])
def test_a_read_only_store_is_looked_at_like_any_other(read_only: Path, command: str):
    code, output = as_nobody("store", command, "--workspace", read_only)
    assert code == 0, output
    assert "street-train" in output


def test_there_is_nothing_to_collect_in_it(read_only: Path):
    assert as_nobody("store", "gc", "--yes", "--workspace", read_only) == (0, "nothing to delete\n")


@pytest.mark.parametrize("place", ["zarr.json", "map/c.0.0.0.0"])
def test_it_cannot_be_repaired_and_stays_as_it_is(read_only: Path, place: str):
    file = read_only / "stores/lamp/street-train.zarr" / place
    file.chmod(0o644)
    damaged = file.read_bytes()[:-5]
    file.write_bytes(damaged)
    file.chmod(0o444)
    code, output = as_nobody("store", "verify", "--repair", "--workspace", read_only)
    assert code == 2
    assert "cannot be written: Permission denied" in output and "Traceback" not in output
    assert file.read_bytes() == damaged


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (".", "cannot be read: Permission denied. Make it readable for this user"),
        ("zarr.json", "the file cannot be read: Permission denied"),
        ("map", "the file cannot be read: Permission denied"),
        ("map/c.0.0.0.0", "the file cannot be read: Permission denied"),
    ],
)
def test_what_may_not_be_read_is_named(read_only: Path, place: str, message: str):
    path = read_only / "stores/lamp/street-train.zarr" / place
    path.chmod(0)
    code, output = as_nobody("store", "verify", "--workspace", read_only)
    assert code == (2 if place == "." else 1), output
    assert message in output
    assert "Traceback" not in output
