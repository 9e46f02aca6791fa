"""`kd-pipeline train-student`: stage two, the student from stores and ground truth."""

from pathlib import Path

import click

from stages.options import workspace_option
from stages.progress import ProgressBar


@click.command("train-student")
@workspace_option
@click.option(
    "--fresh", is_flag=True, help="Start anew even where a checkpoint of the same params could be resumed."
)
def train_student(root: Path, fresh: bool) -> None:
    """Write runs/student/: student.safetensors, student.json, checkpoints and logs.

    A killed training goes on from its last checkpoint when the command is run again, to the same weights
    that an undisturbed run ends with. The students of train.baselines come after it, in runs/baselines/.
    """
    from pipeline.workspace import Workspace
    from student.baselines import baseline_workspaces, make_baselines_folder
    from student.train import train_student as train

    workspace = Workspace.open(root)
    baselines = baseline_workspaces(workspace)
    for name, trained in {"student": workspace, **baselines}.items():
        with ProgressBar(f"training {name}", "steps") as progress:
            report = train(trained, resume=not fresh, progress=progress)
        click.echo(report.summary())
    make_baselines_folder(workspace)
