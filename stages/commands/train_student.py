"""`kd-pipeline train-student`: stage two, the student from stores and ground truth."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cores import loading_workers, usable_cores
from pipeline.errors import KDError, unknown_name
from stages.processes.child_process import command_line, end_with_standard_input
from stages.processes.student_processes import StudentProcesses
from stages.terminal.options import workspace_option
from stages.terminal.progress import ProgressBar

if TYPE_CHECKING:  # imports torch, which --help must not wait for
    from pipeline.workspace import Workspace
    from student.training.train import Progress

STUDENT = "student"
BASELINE_NICENESS = 4
"""Of the processes beside the student's: all wait for the student, whose steps take longest."""


@click.command("train-student")
@workspace_option
@click.option(
    "--fresh", is_flag=True, help="Start again even where a checkpoint of the same params could be resumed."
)
@click.option(
    "--only", metavar="NAME", help=f"Train this one alone: `{STUDENT}`, or a name in train.baselines."
)
@click.option("--child", is_flag=True, hidden=True, help="End when standard input does; print no progress.")
def train_student(root: Path, fresh: bool, only: str | None, child: bool) -> None:
    """Write runs/student/: student.safetensors, student.json, checkpoints and logs.

    A killed training resumes from its last checkpoint when the command is run again, to the same weights
    that an undisturbed run ends with. The students of train.baselines go to runs/baselines/: on a CPU they
    train beside it and share the cores, on a GPU after it.
    """
    if child:
        end_with_standard_input()
        os.nice(BASELINE_NICENESS)
    from pipeline.device import resolve_device
    from pipeline.workspace import Workspace
    from stages.workspaces.dvc_file import tell_named_files
    from student.evaluation.doubts import shared_pictures
    from student.training.baselines import baseline_workspaces, make_baselines_folder

    workspace = Workspace.open(root)
    students = {STUDENT: workspace, **baseline_workspaces(workspace)}
    if only is not None and only not in students:
        raise unknown_name("student", only, students)
    if child:
        click.echo(_trained(students[only], fresh))
        return
    chosen = {only: students[only]} if only is not None else students
    on_cpu = resolve_device(workspace.params.runtime.device).type == "cpu"
    at_a_time = min(len(chosen), usable_cores()) if on_cpu else 1
    if at_a_time > 1:
        _train_side_by_side(chosen, fresh, at_a_time)
    else:
        for name, its_workspace in chosen.items():
            with ProgressBar(f"training {name}", "steps") as progress:
                summary = _trained(its_workspace, fresh, progress)
            click.echo(summary)
    if only is None:
        make_baselines_folder(workspace)
    for doubt in shared_pictures(workspace):
        click.echo(f"Warning: {doubt}")
    tell_named_files(workspace)


def _trained(workspace: "Workspace", fresh: bool, progress: "Progress | None" = None) -> str:
    from pipeline.files.durable import is_held
    from student.training.train import train_student as train

    if workspace.run.is_dir() and is_held(workspace.run):
        click.echo(f"{workspace.run}: another training is at work there, and this one waits for it.")
    return train(workspace, resume=not fresh, progress=progress).summary()


def _train_side_by_side(students: dict[str, "Workspace"], fresh: bool, at_a_time: int) -> None:
    """The student in this process, the baselines in others, each with its share of the cores: two small
    networks of one thread each learn nearly twice what one of two threads does. The student's images are
    loaded by a worker, on what the baselines leave.

    Raises:
        KDError: a baseline could not be trained. The others are.
    """
    import torch

    from pipeline.files.atomic import make_folder
    from student.ablation.runs.run_folder import LOG

    threads = max(1, min(torch.get_num_threads(), usable_cores() // at_a_time))
    torch.set_num_threads(threads)
    root = str(students[STUDENT].root.absolute())
    student = _with_worker(students[STUDENT])
    logs = {name: make_folder(students[name].run) / LOG for name in students if name != STUDENT}
    summaries = {}

    def command(name: str) -> list[str]:
        settings = ["--child", "--only", name, "--workspace", root]
        return command_line("train-student", *settings, *(["--fresh"] if fresh else []))

    def on_done(name: str) -> None:
        summaries[name] = logs[name].read_text(encoding="utf-8").strip()

    with StudentProcesses(logs, command, threads, on_done) as baselines:
        with ProgressBar(f"training {STUDENT}", "steps") as bar:

            def progress(done: int, steps: int) -> None:
                baselines.keep(at_a_time - 1)
                bar(done, steps)

            baselines.keep(at_a_time - 1)
            summary = _trained(student, fresh, progress)
        click.echo(summary)
        baselines.finish(at_a_time)
    for name, summary in summaries.items():
        click.echo(f"\n{name}:\n{summary}")
    if baselines.errors:
        errors = " ".join(f"[{name}] {error}" for name, error in baselines.errors.items())
        raise KDError(
            f"{', '.join(baselines.errors)} could not be trained. {errors} Fix that and run the same command "
            "again: what is trained is not trained again."
        )


def _with_worker(workspace: "Workspace") -> "Workspace":
    runtime = workspace.params.runtime
    if runtime.workers != "auto":
        return workspace
    runtime = runtime.model_copy(update={"workers": loading_workers("cpu")})
    return replace(workspace, params=workspace.params.model_copy(update={"runtime": runtime}))
