"""`kd-pipeline extract-teachers`: stage one, every teacher over every dataset's crops, once."""

from pathlib import Path

import click

from stages.terminal.options import cell_options, workspace_option
from stages.terminal.progress import ProgressBar


@click.command("extract-teachers")
@workspace_option
@cell_options
@click.option(
    "--replace-stale",
    is_flag=True,
    help="Extract a store of another checkpoint, crop table or setting again, instead of stopping.",
)
def extract_teachers(
    root: Path, teachers: tuple[str, ...], datasets: tuple[str, ...], replace_stale: bool
) -> None:
    """Write stores/<teacher>/<dataset>.zarr for every cell that is not complete yet.

    A teacher is loaded once for all its datasets. A killed extraction resumes with its missing shards when
    the command is run again.
    """
    from pipeline.device import resolve_device
    from pipeline.extraction.extract import extract_cell
    from pipeline.teachers.adapters.registry import build_teacher
    from pipeline.workspace import Workspace
    from pipeline.workspace_crops import crops_of
    from stages.terminal.chosen_cells import chosen_cells

    workspace = Workspace.open(root)
    params = workspace.params
    cells = chosen_cells(workspace, teachers, datasets)
    tables = {
        name: crops_of(workspace, name)
        for name in dict.fromkeys(name for names in cells.values() for name in names)
    }
    device = resolve_device(params.runtime.device)
    for teacher_name, dataset_names in cells.items():
        teacher = build_teacher(teacher_name, workspace.teacher(teacher_name), root, device)
        for dataset_name in dataset_names:
            path = workspace.store(teacher_name, dataset_name)
            with ProgressBar(f"{teacher_name} x {dataset_name}", "crops") as progress:
                report = extract_cell(
                    teacher,
                    tables[dataset_name],
                    path,
                    params.extract,
                    params.runtime,
                    progress,
                    replace_stale=replace_stale,
                )
            click.echo(f"{path}: {report.summary()}")
