"""A training that is killed, by a signal that cannot be caught, ends as one that was not."""

import random
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

from pipeline.errors import KDError
from pipeline.workspace import Workspace
from student.training.checkpoint import load_training_state, save_training_state
from student.training.train import CHECKPOINT, train_student

STEPS = 12
TRAINING = """
import sys, time
from pathlib import Path
from pipeline.workspace import Workspace
from student.training.train import train_student

def report(step, steps):
    print(step, flush=True)
    if step == steps - 1:
        time.sleep(120)  # for the signal to come

train_student(Workspace.open(Path(sys.argv[1])), progress=report)
"""


@pytest.fixture
def workspace(tiny, make_heatmap_teacher, make_simcc_teacher) -> Workspace:
    """All that has a state or a phase: shuffles, warm-up, schedule, dropout, last epochs, average."""
    tiny.add_dataset("first", 8)
    tiny.add_dataset("second", 6, convention="mpii16", seed=1)
    names = ("dots_heatmap", "dots_simcc")
    workspace = tiny.open(
        names,
        train={
            "datasets": ["first", "second"],
            "epochs": 4,
            "steps_per_epoch": 3,
            "sampling": "temperature",
            "sampling_temperature": 3.0,
            "sampling_caps": {"first": 5},
            "schedule": "flat_cosine",
            "warmup_epochs": 1.5,
            "augment": {"dropout": 0.7, "mask_distillation": True},
            "last_epochs": {"epochs": 2, "augment": {"rotation_degrees": 5, "dropout": 0.3}},
        },
        extract={"views": {"count": 1}},
        runtime={"workers": 1, "checkpoint_steps": 2},
    )
    tiny.add_store(make_heatmap_teacher(), "first", workspace)
    tiny.add_store(make_simcc_teacher(), "first", workspace)
    tiny.add_store(make_heatmap_teacher(), "second", workspace)
    tiny.add_store(make_simcc_teacher(), "second", workspace)
    return workspace


def train_until_killed(workspace: Workspace, step: int, delay: float) -> None:
    """In a process of its own, killed `delay` seconds after it reported `step`."""
    command = [sys.executable, "-c", TRAINING, str(workspace.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if int(line) >= step:
                break
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_a_training_killed_twice_ends_with_the_bits_of_an_undisturbed_one(workspace):
    chance = random.Random(4)
    first, second = sorted(chance.sample(range(1, STEPS - 1), 2))
    for step in (first, second):
        train_until_killed(workspace, step, chance.uniform(0.0, 0.1))
    saved = load_training_state(workspace.run / CHECKPOINT)
    assert saved["trainer"]["step"] >= second // 2 * 2
    train_student(workspace)
    killed, history = load_file(workspace.run / "student.safetensors"), rows(workspace)
    (workspace.run / CHECKPOINT).unlink()
    train_student(workspace)
    undisturbed = load_file(workspace.run / "student.safetensors")
    assert killed.keys() == undisturbed.keys()
    assert all(torch.equal(killed[name], undisturbed[name]) for name in killed)
    assert history == rows(workspace)


def rows(workspace: Workspace) -> list[dict[str, float]]:
    """What was logged, but for the speed."""
    history = load_training_state(workspace.run / CHECKPOINT)["history"]
    return [
        {name: value for name, value in row.items() if name != "train/crops_per_second"} for row in history
    ]


@pytest.mark.parametrize("change", ["no trainer", "another shape", "no history", "a history of numbers"])
def test_a_checkpoint_of_this_training_with_other_content_is_refused(workspace, change):
    """As another program would write it: the hash is right, and so is what it says of the training."""
    train_student(workspace)
    path = workspace.run / CHECKPOINT
    state = load_training_state(path)
    if change == "no trainer":
        del state["trainer"]
    elif change == "another shape":
        name = next(iter(state["trainer"]["learned"]))
        state["trainer"]["learned"][name] = torch.zeros(3, 5, 7)
    else:
        state["history"] = None if change == "no history" else [1, 2]
    save_training_state(state, path)
    with pytest.raises(KDError, match=r"last\.pt says that it is of this training.*train-student --fresh"):
        train_student(workspace)


def test_a_checkpoint_within_an_epoch_is_gone_on_from_where_it_was_written(workspace):
    """Killed after step 5, in the second epoch; the checkpoint is of step 4."""

    class Killed(BaseException):
        pass

    def killed(step: int, steps: int) -> None:
        if step == 5:
            raise Killed

    with pytest.raises(Killed):
        train_student(workspace, progress=killed)
    steps_done: list[int] = []
    train_student(workspace, progress=lambda step, steps: steps_done.append(step))
    assert steps_done == list(range(5, STEPS + 1))
