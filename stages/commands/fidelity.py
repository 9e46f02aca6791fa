"""`kd-pipeline fidelity`: how far stored maps are from the teachers' own."""

import json
from pathlib import Path
from typing import Any

import click

from stages.terminal.options import cell_options, workspace_option


@click.command("fidelity")
@workspace_option
@cell_options
@click.option(
    "--crops",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    help="Crops of each cell to show its teacher again, evenly over the store.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Draw the drift of every cell's joints into this picture (PNG, PDF, SVG).",
)
def fidelity(
    root: Path,
    teachers: tuple[str, ...],
    datasets: tuple[str, ...],
    crops: int,
    as_json: bool,
    plot: Path | None,
) -> None:
    """Compare stores with their teachers, run again on some of the crops.

    Drift: how far a joint decoded from the stored map is from the one decoded from the teacher's own,
    pixels of the network's input, joints with a peak over 0.3. KL: divergence of the stored map from the
    teacher's, both as distributions, nats. RMSE: relative to the map. Bytes: everything the store holds of
    one crop.
    """
    from pipeline.device import resolve_device
    from pipeline.extraction.live_fidelity import measure_cell
    from pipeline.teachers.adapters.registry import build_teacher
    from pipeline.workspace import Workspace
    from pipeline.workspace_crops import crops_of
    from stages.terminal.chosen_cells import chosen_cells
    from stages.terminal.fidelity_table import fidelity_table

    workspace = Workspace.open(root)
    params = workspace.params
    measured, figures = {}, {}
    for teacher_name, dataset_names in chosen_cells(workspace, teachers, datasets).items():
        device = resolve_device(params.runtime.device)
        teacher = build_teacher(teacher_name, workspace.teacher(teacher_name), root, device)
        for dataset in dataset_names:
            table = crops_of(workspace, dataset)
            cell = f"{teacher_name}/{dataset}"
            path = workspace.store(teacher_name, dataset)
            measured[cell], size = measure_cell(path, teacher, table, params.extract, params.runtime, crops)
            figures[cell] = _figures(measured[cell], size)
    if plot is not None:
        from stages.terminal.fidelity_plot import plot_drift

        plot_drift({cell: values.drift_BK for cell, values in measured.items()}, plot)
    click.echo(json.dumps(figures, indent=2) if as_json else fidelity_table(figures))


def _figures(measured: Any, bytes_per_crop: float) -> dict[str, Any]:
    return {
        "bytes_per_crop": bytes_per_crop,
        "all_joints": measured.summary(),
        "joints": measured.by_joint(),
    }
