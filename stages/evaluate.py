"""`kd-pipeline evaluate`: the student and every teacher on every validation split."""

from pathlib import Path

import click

from stages.options import workspace_option
from stages.progress import ProgressBar


@click.command("evaluate")
@workspace_option
def evaluate(root: Path) -> None:
    """Write evaluation/: metrics.json, predictions, overlays and the table that is printed at the end.

    Every dataset is measured in its own convention. A joint that a model has no relation to is reported as
    not predicted, never as wrong or right.
    """
    from pipeline.workspace import Workspace
    from student.evaluation.evaluate import evaluate_workspace

    workspace = Workspace.open(root)
    with ProgressBar("evaluating", "crops") as progress:
        report = evaluate_workspace(workspace, progress=progress)
    click.echo(report.table())
    click.echo(
        f"\nPictures: {workspace.evaluation / 'overlays'}   Metrics: {workspace.evaluation / 'metrics.json'}"
    )
