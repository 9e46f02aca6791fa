"""The process of one run; started by `kd-pipeline ablate`, not by hand."""

import fcntl
import os
from pathlib import Path

import click

from pipeline.errors import KDError
from stages.processes.child_process import end_with_standard_input
from stages.terminal.options import workspace_option
from stages.terminal.progress import ProgressBar


@click.command("ablate-run", hidden=True)
@workspace_option
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path, file_okay=False))
def ablate_run(root: Path, folder: Path) -> None:
    """Train and evaluate the run whose params.yaml is in the folder RUN.

    Started by `kd-pipeline ablate`, one process per run. Ends when its standard input does: that is how it
    notices that the ablation was stopped or killed, and no run continues unattended.
    """
    end_with_standard_input()
    from student.ablation.runs.execute import execute_run
    from student.ablation.runs.run_folder import open_run

    run = open_run(root, folder)
    lock = _lock(folder)
    with ProgressBar(str(run), "steps") as progress:
        execute_run(run, progress)
    os.close(lock)


def _lock(folder: Path) -> int:
    """An open descriptor that holds the folder until it is closed or the process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise KDError(
            f"another process is at work in {folder}. Wait until it is done, or stop it, then run "
            "kd-pipeline ablate again."
        ) from None
    return descriptor
