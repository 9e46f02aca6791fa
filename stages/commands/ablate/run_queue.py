"""Runs as processes, a limited number at a time."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.processes.child_process import Children, command_line
from student.ablation.ablation import Run
from student.ablation.runs.run_folder import LOG, start_folder

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `error` is empty where it is finished."""

    run: Run
    seconds: float
    error: str = ""

    @property
    def log(self) -> Path:
        return self.run.folder / LOG


def run_command(run: Run) -> list[str]:
    """What executes the run, in a process of its own."""
    root = str(run.workspace.root.absolute())
    return command_line("ablate-run", str(run.folder.absolute()), "--workspace", root)


class RunQueue:
    """Starts runs in their order, `jobs` at a time; a failed one does not stop the others.

    Every run has a process of its own with `threads` threads, which ends with this one.
    """

    def __init__(
        self, jobs: int, threads: int, command: Callable[[Run], Sequence[str]] = run_command
    ) -> None:
        self._jobs = jobs
        self._command = command
        self._children: Children[Run] = Children(threads)

    def outcomes(self, runs: Sequence[Run]) -> Iterator[Outcome]:
        """The outcome of every run, as it ends. Where the caller stops or is interrupted, running ones are
        stopped."""
        waiting = list(runs)
        try:
            while waiting or self._children:
                while waiting and len(self._children) < self._jobs:
                    run = waiting.pop(0)
                    start_folder(run)
                    self._children.start(run, self._command(run), run.folder / LOG)
                yield from (
                    Outcome(ended.key, ended.seconds, ended.error) for ended in self._children.ended()
                )
                time.sleep(_POLL_SECONDS)
        finally:
            self._children.stop()
