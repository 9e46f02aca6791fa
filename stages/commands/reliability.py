"""`kd-pipeline reliability`: how often each teacher is right, by training dataset and joint."""

import json
from pathlib import Path

import click

from stages.terminal.options import workspace_option


@click.command("reliability")
@workspace_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def reliability(root: Path, as_json: bool) -> None:
    """Measure teachers on the labels of train.datasets, from their stores alone.

    In percent of labels met within a twentieth of the person's box diagonal (about PCK@0.2); left and right
    joints together. A number in brackets leans on fewer than ten labels of that dataset, or on none. These
    are the shares that distill.weighting: reliability weighs teachers by.
    """
    from pipeline.workspace import Workspace
    from stages.terminal.reliability_table import reliability_json, reliability_tables
    from student.data.training_data import open_training_data
    from student.weighting.teacher_record import teacher_records

    workspace = Workspace.open(root)
    # Every teacher is looked at, whether or not it teaches at present.
    distill = workspace.params.distill.model_copy(update={"weight": 1.0, "teachers": None})
    params = workspace.params.model_copy(update={"distill": distill})
    training_data = open_training_data(Workspace(root, params))
    records = teacher_records(training_data)
    joints = training_data.student.skeleton.joints
    datasets = [split.table.dataset for split in training_data.splits]
    if as_json:
        click.echo(json.dumps(reliability_json(records, datasets, joints), indent=2))
    else:
        click.echo(reliability_tables(records, datasets, joints))
