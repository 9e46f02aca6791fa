"""`kd-pipeline store info`."""

import json
from pathlib import Path

import click

from stages.commands.store.options import chosen, json_option, stores_argument
from stages.terminal.options import workspace_option


@click.command("info")
@stores_argument
@workspace_option
@json_option
def info(paths: tuple[Path, ...], root: Path, as_json: bool) -> None:
    """Print what stores hold and what they were made from.

    STORE is a folder like stores/TEACHER/DATASET.zarr; without one, every store of the workspace.

    The provenance is all that the stored numbers depend on. Where a value in it is no longer what params.yaml
    and the teacher's files say, the store is stale. Nothing else (paths, batch size, device, versions) makes
    it so.
    """
    from pipeline.store.manage.info import describe_store, store_info

    infos = {str(path): store_info(path) for path in chosen(paths, root)}
    if as_json:
        click.echo(json.dumps(infos, indent=2))
        return
    click.echo("\n\n".join(describe_store(path, values) for path, values in infos.items()))
