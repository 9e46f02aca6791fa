"""`kd-pipeline skeleton show`: the union, who provides which joint, and what is dropped."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.errors import KDError
from stages.terminal.calibration_table import offset_lines
from stages.terminal.near_names import GuessingGroup
from stages.terminal.options import workspace_option

if TYPE_CHECKING:
    from pipeline.workspace import Workspace


@click.group("skeleton", cls=GuessingGroup)
def skeleton() -> None:
    """The union skeleton."""


@skeleton.command("show")
@workspace_option
@click.argument("conventions", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--offsets",
    is_flag=True,
    help="Also how far the union has joints that a convention marks elsewhere (similar), fitted from the "
    "workspace's stores and labels: what distill.offsets moves them by.",
)
def show(root: Path, conventions: tuple[str, ...], as_json: bool, offsets: bool) -> None:
    """Print the union of CONVENTIONS (names or YAML files), e.g. coco17 mpii16.

    Without any, the union of the workspace's params.yaml.
    """
    from pipeline.conventions.describe import describe_union, union_as_dict
    from pipeline.conventions.registry import load_convention
    from pipeline.conventions.union import build_union
    from pipeline.workspace import Workspace
    from pipeline.workspace_union import workspace_conventions, workspace_union

    if conventions and offsets:
        raise KDError(
            "offsets are fitted from a workspace's stores. Leave out either --offsets or the names."
        )
    if conventions:
        loaded = [load_convention(name, root) for name in conventions]
        union = build_union(loaded)
    else:
        workspace = Workspace.open(root)
        loaded = workspace_conventions(workspace)
        union = workspace_union(workspace)
    fitted = _offsets(workspace) if offsets else {}
    if as_json:
        with_offsets = {"offsets": fitted} if offsets else {}
        click.echo(json.dumps(union_as_dict(union, loaded) | with_offsets, indent=2))
        return
    click.echo(describe_union(union, loaded))
    if offsets:
        click.echo(f"\n{offset_lines(fitted) or 'No joint is known of enough people in two conventions.'}")


def _offsets(workspace: "Workspace") -> dict[str, dict[str, tuple[float, float]]]:
    """Of every teacher, whether or not it teaches at present."""
    from student.calibration.calibrate import fit_offsets
    from student.data.training_data import open_training_data

    distill = workspace.params.distill.model_copy(update={"weight": 1.0, "teachers": None})
    params = workspace.params.model_copy(update={"distill": distill})
    return fit_offsets(open_training_data(replace(workspace, params=params)))
