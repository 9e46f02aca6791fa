"""`kd-pipeline evaluate`: students and every teacher on every validation split."""

from pathlib import Path

import click

from stages.terminal.options import workspace_option
from stages.terminal.progress import ProgressBar


@click.command("evaluate")
@workspace_option
@click.option(
    "--teachers-only",
    is_flag=True,
    help="Score teachers from their stores, without a student; writes runs/teachers/ instead.",
)
def evaluate(root: Path, teachers_only: bool) -> None:
    """Write evaluation/: the numbers, predictions, pictures and the table that is printed at the end.

    Every dataset is measured in its own convention. A joint that a model has no relation to is reported as
    not predicted, never as wrong or right.
    """
    from pipeline.workspace import Workspace
    from student.evaluation.doubts import evaluation_doubts
    from student.evaluation.evaluate import evaluate_teachers, evaluate_workspace
    from student.evaluation.figures.side_by_side import SHEET
    from student.evaluation.metric_files import DETAILS

    workspace = Workspace.open(root)
    if teachers_only:
        folder = workspace.teacher_evaluation
        report = evaluate_teachers(workspace, folder, workspace.params.evaluate.overlays)
    else:
        with ProgressBar("evaluating", "crops") as progress:
            report, folder = evaluate_workspace(workspace, progress=progress), workspace.evaluation
    click.echo(report.table())
    for doubt in () if teachers_only else evaluation_doubts(workspace):
        click.echo(f"Warning: {doubt}")
    click.echo(f"Metrics: {folder / DETAILS}")
    sheet = folder / "overlays" / SHEET
    if sheet.is_file():  # evaluate.overlays: 0 draws nothing
        click.echo(f"Labels, teachers and students side by side: {sheet}   More people: {sheet.parent}")
