"""What a training step costs with cached teachers: `python -m benchmarks.train --json`.

Three trainings of one student take turns, each with its own loader and workers, as `train-student` has them:
`labels` has no teachers; `cached` has stores; `online` runs the same teachers on every batch, on crops that
its workers cut out as extraction does, and then has the loss of `cached`. Ratios are medians over the rounds;
docs/training.md explains the figures.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import torch

from benchmarks.cases.flops import step_flops, teacher_flops
from benchmarks.cases.online import OnlineSet, answered, unquantised
from benchmarks.cases.train_case import make_workspace
from benchmarks.cases.turns import ratio, take_turns
from pipeline.device import resolve_device
from pipeline.errors import KDError
from pipeline.params import Params
from pipeline.teachers.adapters.registry import build_teacher
from pipeline.teachers.teacher import Teacher
from pipeline.workspace import Workspace
from student.calibration.calibrate import calibrate_training_data
from student.data.batch import TrainingBatch
from student.data.loader import BatchLoader, worker_count
from student.data.training_data import open_training_data
from student.losses.distillation import total_loss
from student.training.train import CALIBRATION
from student.training.training_run import TrainingRun

LOSSES = 7
"""Of which the median is reported."""


@click.command()
@click.option(
    "--workspace",
    "root",
    type=click.Path(path_type=Path),
    help="One with stores; default: the pack's ONNX teachers over lspet, extracted first.",
)
@click.option("--teacher", "teachers", multiple=True, help="Of the workspace; default: all that distil.")
@click.option("--dataset", "datasets", multiple=True, help="Of the workspace; default: train.datasets.")
@click.option("--crops", default=128, show_default=True, help="Without a workspace: crops to extract.")
@click.option("--backbone", default="resnet18", show_default=True)
@click.option("--head", default="heatmap", show_default=True)
@click.option("--size", type=(int, int), default=(192, 256), show_default=True, help="Width, height.")
@click.option("--batch", default=32, show_default=True)
@click.option("--workers", type=int, default=1, show_default=True)
@click.option("--device", default="auto", show_default=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=8.0, show_default=True, help="Of each training in each round.")
@click.option("--json", "as_json", is_flag=True)
def main(
    root: Path | None,
    teachers: tuple[str, ...],
    datasets: tuple[str, ...],
    crops: int,
    backbone: str,
    head: str,
    size: tuple[int, int],
    batch: int,
    workers: int,
    device: str,
    rounds: int,
    seconds: float,
    as_json: bool,
) -> None:
    """Steps with labels only, with cached teachers, and with the same teachers online."""
    student = {"backbone": backbone, "head": head, "input_size": size}
    changes: dict[str, dict[str, Any]] = {
        "student": student,
        "train": {"batch_size": batch, "epochs": 1000} | ({"datasets": datasets} if datasets else {}),
        "distill": {"teachers": dict.fromkeys(teachers, 1.0)} if teachers else {},
        "runtime": {"device": device, "workers": workers},
    }
    try:
        with tempfile.TemporaryDirectory() as folder:
            workspace = Workspace.open(root) if root else make_workspace(Path(folder), crops)
            result = measure(with_params(workspace, changes), rounds, seconds)
    except KDError as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(student | result, indent=2) if as_json else summary(result))


def with_params(workspace: Workspace, changes: dict[str, dict[str, Any]]) -> Workspace:
    """The same folder, as if params.yaml had these sections' settings."""
    values = workspace.params.model_dump()
    for section, changed in changes.items():
        values[section] |= changed
    return replace(workspace, params=Params.model_validate(values))


@dataclass
class Arm:
    """One training, stepped on batches as its loader has them."""

    run: TrainingRun
    loader: BatchLoader
    teachers: dict[str, Teacher] = field(default_factory=dict)
    waited_s: float = 0.0
    learned_s: float = 0.0

    def __post_init__(self) -> None:
        self.batches = self._endless()

    def _endless(self) -> Iterator[TrainingBatch]:
        while True:
            yield from self.loader
            self.loader.sampler.epoch += 1

    def step(self) -> int:
        started = time.perf_counter()
        batch = next(self.batches)
        arrived = time.perf_counter()
        self.run.trainer.learn(self._answered(batch))
        self.waited_s += arrived - started
        self.learned_s += time.perf_counter() - arrived
        return len(batch)

    def _answered(self, batch: TrainingBatch) -> TrainingBatch:
        if not self.teachers:
            return batch
        return answered(batch, self.teachers, self.run.trainer.loss.targets.teacher_specs)

    @property
    def waited(self) -> float:
        """Share of the training's time in which it had no batch."""
        return self.waited_s / (self.waited_s + self.learned_s)

    def loss_cpu_ms(self) -> float:
        """Processor time of the loss of a batch and its gradient up to the network's output; the median."""
        trainer, batch = self.run.trainer, next(self.batches).to(self.run.trainer.device)
        with torch.no_grad():
            feature_BCHW = trainer.student.features(trainer.student.normalise(batch.image_BHW3))
            logits = trainer.student.head(feature_BCHW)
        leaves = tuple(axis.detach().float().requires_grad_() for axis in logits)
        costs = []
        for _ in range(LOSSES):
            started = time.process_time()
            total_loss(trainer.loss.terms(leaves, batch, feature_BCHW.float().mean((-2, -1)))).backward()
            costs.append(time.process_time() - started)
        return 1e3 * statistics.median(costs)


def stored_arm(workspace: Workspace) -> Arm:
    params = workspace.params
    training_data = calibrate_training_data(
        workspace, open_training_data(workspace), workspace.run / CALIBRATION
    )
    run = TrainingRun(params, training_data, resolve_device(params.runtime.device), workspace.root)
    return Arm(run, run.loader)


def labels_arm(workspace: Workspace) -> Arm:
    return stored_arm(with_params(workspace, {"distill": {"weight": 0.0}}))


def online_arm(workspace: Workspace) -> Arm:
    """Teachers without the flip test, which training that runs them could hardly afford."""
    params, run, labels = workspace.params, stored_arm(workspace).run, labels_arm(workspace).run
    teachers = {
        spec.name: _without_flip_test(workspace, spec.name, run.trainer.device)
        for spec in run.trainer.loss.targets.teacher_specs
    }
    targets = run.trainer.loss.targets
    targets = replace(targets, teacher_specs=[unquantised(spec) for spec in targets.teacher_specs])
    run.trainer.loss = replace(run.trainer.loss, targets=targets)
    dataset = OnlineSet(
        labels.dataset.splits,
        labels.trainer.student.config,
        params.train.augment_from(),
        params.train.seed,
        teachers=list(teachers.values()),
    )
    workers = worker_count(params.runtime.workers, run.trainer.device)
    return Arm(run, BatchLoader(dataset, labels.loader.sampler, workers, run.trainer.device), teachers)


def _without_flip_test(workspace: Workspace, name: str, device: torch.device) -> Teacher:
    params = workspace.teacher(name).model_copy(update={"flip_test": False})
    return build_teacher(name, params, workspace.root, device)


def measure(workspace: Workspace, rounds: int, seconds: float) -> dict[str, Any]:
    """Times, waits, the ratios of the steps, and what floating-point operations make one expect."""
    arms = {"labels": labels_arm(workspace), "cached": stored_arm(workspace), "online": online_arm(workspace)}
    found = take_turns({name: arm.step for name, arm in arms.items()}, rounds, seconds)
    student = step_flops(arms["labels"].run.trainer, next(arms["labels"].batches))
    teachers = {name: teacher_flops(workspace, teacher) for name, teacher in arms["online"].teachers.items()}
    expected, online = 1 + sum(teachers.values()) / student, ratio(found, "cached", "online")
    batch = workspace.params.train.batch_size
    return {
        "device": str(arms["cached"].run.trainer.device),
        "threads": torch.get_num_threads(),
        "batch": batch,
        "step_ms": {name: 1e3 * batch / row["crops_per_s"] for name, row in found.items()},
        "step_cpu_ms": {name: 1e3 * batch / row["crops_per_cpu_s"] for name, row in found.items()},
        "loss_cpu_ms": {name: arms[name].loss_cpu_ms() for name in ("labels", "cached")},
        "waited": {name: arm.waited for name, arm in arms.items()},
        "cached_to_labels": ratio(found, "labels", "cached"),
        "cached_to_labels_cpu": found["labels"]["crops_per_cpu_s"] / found["cached"]["crops_per_cpu_s"],
        "online_to_cached": online,
        "gflops_per_crop": {"student_step": student / 1e9}
        | {name: flops / 1e9 for name, flops in teachers.items()},
        "online_to_cached_by_flops": expected,
        "online_to_expected": online / expected,
    }


def summary(result: dict[str, Any]) -> str:
    """In a few lines."""
    steps = ", ".join(f"{name} {ms:.0f} ms" for name, ms in result["step_ms"].items())
    loss = ", ".join(f"{name} {ms:.1f} ms" for name, ms in result["loss_cpu_ms"].items())
    return (
        f"a step: {steps}; its loss: {loss}\n"
        f"cached / labels {result['cached_to_labels']:.3f} (processor time "
        f"{result['cached_to_labels_cpu']:.3f}); the trainer had no batch {result['waited']['cached']:.1%} "
        f"of the time, with labels alone {result['waited']['labels']:.1%}\n"
        f"online / cached {result['online_to_cached']:.2f}; by floating-point operations "
        f"{result['online_to_cached_by_flops']:.2f}"
    )


if __name__ == "__main__":
    main()
