"""Which stores a command works on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from pipeline.errors import KDError

Command = TypeVar("Command", bound=Callable[..., Any])


def stores_argument(command: Command) -> Command:
    """Adds the argument `paths`; see `chosen`."""
    return click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[STORE]...")(command)


def json_option(command: Command) -> Command:
    """Adds `--json`, handed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def chosen(paths: tuple[Path, ...], root: Path) -> list[Path]:
    """The stores that were named, else every one of the workspace.

    Raises:
        KDError: there is none.
    """
    found = list(paths) or sorted((root / "stores").glob("*/*.zarr"))
    if not found:
        raise KDError(
            f"there is no store under {root / 'stores'}. Name one, or make them: kd-pipeline extract-teachers"
        )
    return found
