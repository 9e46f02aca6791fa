"""`kd-pipeline store gc`."""

from pathlib import Path

import click

from stages.terminal.options import workspace_option
from stages.terminal.table import aligned, size_of


@click.command("gc")
@workspace_option
@click.option("--dry-run", is_flag=True, help="Only list what would be deleted.")
@click.option("--yes", is_flag=True, help="Delete without asking, for scripts.")
def gc(root: Path, dry_run: bool, yes: bool) -> None:
    """Delete stores that params.yaml does not name, and leftovers of killed extractions.

    Lists them with their sizes and asks first. A store whose teacher and dataset stand in params.yaml is
    never touched, be it stale, damaged or incomplete; nor is a folder that is not, as a whole, a store of
    kd-pipeline; nor one that another process is writing to.
    """
    from pipeline.store.manage.garbage import find_garbage, remove
    from pipeline.workspace import Workspace

    garbage, kept = find_garbage(Workspace.open(root))
    for path, reason in kept.items():
        click.echo(f"left alone, though params.yaml does not name it: {path}: {reason}")
    if not garbage:
        click.echo("nothing to delete")
        return
    click.echo(aligned([(str(item.path), size_of(item.bytes), item.why) for item in garbage], right=(1,)))
    total = size_of(sum(item.bytes for item in garbage))
    if dry_run or not (yes or click.confirm(f"Delete these {len(garbage)} folders, {total}?")):
        click.echo("nothing was deleted")
        return
    for item in garbage:
        remove(item)
    click.echo(f"deleted {len(garbage)} folders, {total}")
