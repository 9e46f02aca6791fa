"""`kd-pipeline calibrate`: how each teacher's maps are read, and how far it is trusted."""

from pathlib import Path

import click

from stages.terminal.options import workspace_option


@click.command("calibrate")
@workspace_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it here too, for distill.calibration of this or another workspace of the same stores.",
)
def calibrate(root: Path, out: Path | None) -> None:
    """Fit teachers' calibrations on the stores and labels of train.datasets, and print them.

    Training does the same by itself and keeps it as calibration.json beside the student. `right` is how
    often an answer lies within a twentieth of the person's box diagonal of its label, `trusted` what the
    calibration makes of it on average; `gain` by how many nats labels are likelier under the maps than
    under the keypoints alone.
    """
    from pipeline.workspace import Workspace
    from stages.terminal.calibration_table import calibration_tables
    from student.calibration.calibrate import fit_all
    from student.data.training_data import open_training_data

    workspace = Workspace.open(root)
    # Every teacher is looked at, whether or not it teaches at present.
    distill = workspace.params.distill.model_copy(update={"weight": 1.0, "teachers": None, "targets": "maps"})
    params = workspace.params.model_copy(update={"distill": distill})
    training_data = open_training_data(Workspace(root, params))
    fitted = fit_all(training_data)
    click.echo(calibration_tables(fitted, training_data))
    if out is not None:
        fitted.write(out)
        click.echo(f"\n{out}")
