"""`kd-pipeline store`: look into the teacher stores."""

import json
from pathlib import Path

import click

from pipeline.errors import KDError


@click.group("store")
def store() -> None:
    """Look into the teacher stores."""


STORES = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@store.command("info")
@STORES
@JSON
def info(paths: tuple[Path, ...], as_json: bool) -> None:
    """Print what stores hold and what they were made from (default: every store under stores/)."""
    from pipeline.store.info import describe_store, store_info

    infos = {str(path): store_info(path) for path in _chosen(paths)}
    if as_json:
        click.echo(json.dumps(infos, indent=2))
        return
    click.echo("\n\n".join(describe_store(path, values) for path, values in infos.items()))


@store.command("verify")
@STORES
@JSON
def verify(paths: tuple[Path, ...], as_json: bool) -> None:
    """Check every shard of stores against its checksums; exit code 1 if one is damaged or missing."""
    from pipeline.store.verify import verify_store

    reports = {str(path): verify_store(path) for path in _chosen(paths)}
    if as_json:
        click.echo(json.dumps({path: report.as_dict() for path, report in reports.items()}, indent=2))
    else:
        click.echo("\n".join(f"{path}: {report.summary()}" for path, report in reports.items()))
    if not all(report.sound for report in reports.values()):
        raise SystemExit(1)


def _chosen(paths: tuple[Path, ...]) -> list[Path]:
    found = list(paths) or sorted(Path("stores").glob("*/*.zarr"))
    if not found:
        raise KDError("there is no store under stores/. Name one, or make them: kd-pipeline extract-teachers")
    return found
