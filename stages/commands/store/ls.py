"""`kd-pipeline store ls`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stages.commands.store.options import json_option
from stages.terminal.options import workspace_option
from stages.terminal.table import aligned, size_of

if TYPE_CHECKING:
    from pipeline.store.manage.inventory import Cell


@click.command("ls")
@workspace_option
@json_option
def ls(root: Path, as_json: bool) -> None:
    """List every cell of the workspace with its state and size.

    \b
    complete    ready for training
    behind      complete, but for crops or views added to the workspace since: extract again to add them
    partial     extraction was stopped; the same command resumes with the missing shards
    stale       made from another checkpoint or setting than the workspace has now
    missing     named in params.yaml (cells), not extracted yet
    orphan      params.yaml does not know its teacher or its dataset; see `store gc`
    unreadable  damaged, of another format, or no store at all; see `store verify`

    Looks at file names and attributes only: `store verify` looks inside.
    """
    from pipeline.store.manage.inventory import cells_in
    from pipeline.workspace import Workspace

    cells = cells_in(Workspace.open(root))
    if as_json:
        click.echo(json.dumps([cell.as_dict() for cell in cells], indent=2))
        return
    head = ("TEACHER", "DATASET", "STATE", "CROPS", "SIZE", "BYTES/CROP", "")
    click.echo(aligned([head, *map(_row, cells)], right=(3, 4, 5)))
    click.echo(f"{len(cells)} cells, {size_of(sum(cell.bytes for cell in cells))}")


def _row(cell: "Cell") -> tuple[str, ...]:
    return (
        cell.teacher,
        cell.dataset,
        cell.state,
        "-" if cell.crops is None else str(cell.crops),
        size_of(cell.bytes) if cell.bytes else "-",
        f"{cell.bytes_per_crop:.0f}" if cell.bytes_per_crop else "-",
        cell.detail.split(". ")[0],
    )
