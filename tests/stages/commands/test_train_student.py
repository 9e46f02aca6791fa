"""`kd-pipeline train-student`: which students it trains, where, and what it says."""

import os
import sys
import time
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from lamp_workspace import kd, write_params, write_people, write_teacher

from stages.cli import main
from stages.processes.student_processes import StudentProcesses


@pytest.fixture
def workspace(tmp_path) -> Path:
    """Crops with labels, no teacher, and two baselines beside the student."""
    write_people(tmp_path)
    write_teacher(tmp_path / "teachers" / "lamp")

    def change(params: dict) -> None:
        params["distill"] = {"weight": 0}
        params["train"] |= {"epochs": 1, "steps_per_epoch": 2, "batch_size": 2}
        params["train"]["baselines"] = {
            "slow": {"train.learning_rate": 1e-5},
            "other": {"student.sigma": 1.0},
        }

    write_params(tmp_path, change)
    kd(tmp_path, "index-datasets")
    return tmp_path


def train(workspace: Path, *options: str):
    return CliRunner().invoke(main, ["train-student", "--workspace", str(workspace), *options])


def weights(workspace: Path) -> dict[str, bytes]:
    runs = workspace / "runs"
    return {
        str(path.parent.relative_to(runs)): path.read_bytes() for path in runs.rglob("student.safetensors")
    }


def set_baseline(workspace: Path, name: str, overrides: dict) -> None:
    path = workspace / "params.yaml"
    values = yaml.safe_load(path.read_text())
    values["train"]["baselines"][name] = overrides
    path.write_text(yaml.safe_dump(values, sort_keys=False))


@pytest.mark.slow
def test_students_side_by_side_are_those_trained_one_after_another(workspace, monkeypatch):
    monkeypatch.setattr("stages.commands.train_student.usable_cores", lambda: 2)
    done = train(workspace)
    assert done.exit_code == 0, done.output
    assert done.output.count("1 epochs of 3 crops") == 3
    assert (workspace / "runs/baselines/slow/log.txt").is_file(), "it had a process of its own"
    together = weights(workspace)
    assert together.keys() == {"student", "baselines/slow", "baselines/other"}
    monkeypatch.setattr("stages.commands.train_student.usable_cores", lambda: 1)
    assert train(workspace, "--fresh").exit_code == 0
    assert weights(workspace) == together


@pytest.mark.slow
def test_a_baseline_that_fails_is_reported_and_leaves_the_others_trained(workspace, monkeypatch):
    monkeypatch.setattr("stages.commands.train_student.usable_cores", lambda: 3)
    set_baseline(workspace, "slow", {"student.init": {"student": "nowhere"}})
    done = train(workspace)
    assert done.exit_code == 2
    assert "slow could not be trained. [slow] " in done.output and "nowhere" in done.output
    assert weights(workspace).keys() == {"student", "baselines/other"}


def test_only_one_student(workspace):
    done = train(workspace, "--only", "slow")
    assert done.exit_code == 0, done.output
    assert weights(workspace).keys() == {"baselines/slow"}
    done = train(workspace, "--only", "slwo")
    assert done.exit_code == 2 and "there is no student 'slwo'. Did you mean 'slow'?" in done.output


def test_processes_end_with_the_block_that_started_them(tmp_path):
    code = "import sys, os; print(os.getpid(), flush=True); sys.stdin.read()"
    logs = {name: tmp_path / name for name in ("a", "b", "c")}
    with StudentProcesses(logs, lambda name: [sys.executable, "-c", code], 1, pytest.fail) as processes:
        processes.keep(2)
        deadline = time.monotonic() + 60
        while not all(logs[name].read_bytes().endswith(b"\n") for name in ("a", "b")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert not logs["c"].exists(), "two at a time"
    for name in ("a", "b"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(logs[name].read_text()), 0)
    assert not processes.errors
