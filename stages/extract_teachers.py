"""`kd-pipeline extract-teachers`: stage one, every teacher over every dataset's crops, once."""

from pathlib import Path

import click

from stages.options import workspace_option
from stages.progress import ProgressBar


@click.command("extract-teachers")
@workspace_option
@click.option("--teacher", "teachers", multiple=True, help="Only this teacher (may be given several times).")
@click.option(
    "--dataset", "datasets", multiple=True, help="Only this dataset split (may be given several times)."
)
@click.option(
    "--replace-stale",
    is_flag=True,
    help="Write a store of another checkpoint, crop table or setting anew, instead of stopping.",
)
def extract_teachers(
    root: Path, teachers: tuple[str, ...], datasets: tuple[str, ...], replace_stale: bool
) -> None:
    """Write stores/<teacher>/<dataset>.zarr for every cell that is not complete yet.

    A killed extraction goes on with its missing shards when the command is run again.
    """
    from pipeline.datasets.crop_table import read_crop_table
    from pipeline.store.extract import extract_cell
    from pipeline.teachers.build import build_teacher
    from pipeline.teachers.device import resolve_device
    from pipeline.workspace import Workspace

    workspace = Workspace.open(root)
    params = workspace.params
    chosen = {name: workspace.teacher(name) for name in teachers or params.cells.teachers}
    tables = {
        name: read_crop_table(workspace.crops(name), workspace.path(workspace.dataset(name).images))
        for name in datasets or params.cells.datasets
    }
    device = resolve_device(params.runtime.device)
    for teacher_name, teacher_params in chosen.items():
        teacher = build_teacher(teacher_name, teacher_params, root, device)
        for dataset_name, table in tables.items():
            path = workspace.store(teacher_name, dataset_name)
            with ProgressBar(f"{teacher_name} x {dataset_name}", "crops") as progress:
                report = extract_cell(
                    teacher,
                    table,
                    path,
                    params.extract,
                    params.runtime,
                    progress,
                    replace_stale=replace_stale,
                )
            click.echo(f"{path}: {report.summary()}")
