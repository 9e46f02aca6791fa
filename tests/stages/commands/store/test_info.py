"""`store info` shows what a store is and what it was made from."""

import json
from pathlib import Path

from click.testing import CliRunner
from lamp_workspace import kd, refused

from stages.cli import main


def test_everything_the_store_depends_on_is_shown(workspace: Path, store: Path):
    printed = CliRunner().invoke(main, ["store", "info", str(store)]).output
    assert "street-train, 3 crops, complete" in printed
    for name in ("teacher.adapter_version", "teacher.checkpoint_sha256", "teacher.flip_test", "codec.floor"):
        assert name in printed


def test_every_store_of_the_workspace_is_the_default(workspace: Path):
    infos = json.loads(kd(workspace, "store", "info", "--json"))
    assert len(infos) == 2
    assert all(info["complete"] for info in infos.values())


def test_a_workspace_without_stores_says_how_to_make_them(tmp_path: Path):
    assert "kd-pipeline extract-teachers" in refused(tmp_path, "store", "info")


def test_every_command_explains_itself():
    for name in ("ls", "info", "verify", "gc"):
        result = CliRunner().invoke(main, ["store", name, "--help"])
        assert result.exit_code == 0
        assert len(result.output.splitlines()) > 8
