"""`kd-pipeline store verify`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.errors import KDError
from stages.commands.store.options import chosen, json_option, stores_argument
from stages.terminal.options import workspace_option

if TYPE_CHECKING:
    from pipeline.store.manage.verify import StoreReport


@click.command("verify")
@stores_argument
@workspace_option
@json_option
@click.option("--repair", "repairs", is_flag=True, help="Repair damaged files.")
def verify(paths: tuple[Path, ...], root: Path, as_json: bool, repairs: bool) -> None:
    """Check every byte of stores against its checksum.

    STORE is a folder like stores/TEACHER/DATASET.zarr; without one, every store of the workspace. Each
    damaged file is named with the rows (crops) that it costs and the command that repairs it.

    With --repair, damaged shards, and only those, are computed again by their teacher from their images; a
    damaged zarr.json is written again from what the store knows of itself. A damaged file stays where it is
    until the sound one takes its place, and what cannot be repaired is left alone.

    \b
    Exit code 0: all stores are sound (now). 1: a shard is damaged or not extracted yet.
    2: a store cannot be read at all, or cannot be repaired; the message says why.
    """
    from stages.commands.store.repair import Repair

    repair = Repair(root) if repairs else None
    results = {str(path): _verified(path, repair) for path in chosen(paths, root)}
    if as_json:
        click.echo(json.dumps({path: _as_dict(result) for path, result in results.items()}, indent=2))
    else:
        for path, result in results.items():
            click.echo(f"Error: {result}" if isinstance(result, KDError) else f"{path}: {result.summary()}")
    if any(isinstance(result, KDError) for result in results.values()):
        raise SystemExit(2)
    if not all(result.sound for result in results.values()):
        raise SystemExit(1)


def _verified(path: Path, repair: "Repair | None") -> "StoreReport | KDError":
    """One store that cannot be read must not hide what is wrong with the others."""
    from pipeline.store.manage.verify import verify_store

    try:
        report = verify_store(path)
        if report.sound or repair is None:
            return report
        repair(path, report)
        return verify_store(path)
    except KDError as error:
        return error


def _as_dict(result: "StoreReport | KDError") -> dict:
    return {"sound": False, "error": str(result)} if isinstance(result, KDError) else result.as_dict()
