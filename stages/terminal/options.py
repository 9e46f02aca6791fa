"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def workspace_option(command: Command) -> Command:
    """Adds `--workspace`, handed on as `root`."""
    return click.option(
        "--workspace",
        "root",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("."),
        show_default="the current folder",
        help="The folder with params.yaml.",
    )(command)


def cell_options(command: Command) -> Command:
    """Adds `--teacher` and `--dataset`, handed on as `teachers` and `datasets`
    (`stages.terminal.chosen_cells`)."""
    dataset = click.option(
        "--dataset", "datasets", multiple=True, help="Only this dataset split (may be given several times)."
    )
    teacher = click.option(
        "--teacher", "teachers", multiple=True, help="Only this teacher (may be given several times)."
    )
    return teacher(dataset(command))
