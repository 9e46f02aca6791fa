"""Runs as processes, so many at a time."""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stages.child_process import command_line, start_child, stop_children, told_error
from student.ablation.ablation import Run
from student.ablation.run_folder import LOG, start_folder

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


@dataclass(frozen=True)
class _Started:
    run: Run
    process: subprocess.Popen
    since: float


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
        self._threads = threads
        self._running: list[_Started] = []

    def outcomes(self, runs: Sequence[Run]) -> Iterator[Outcome]:
        """Every run's, as they end. Where the caller stops or is interrupted, running ones are stopped."""
        waiting = list(runs)
        try:
            while waiting or self._running:
                while waiting and len(self._running) < self._jobs:
                    self._running.append(self._start(waiting.pop(0)))
                yield from self._ended()
                time.sleep(_POLL_SECONDS)
        finally:
            self._stop()

    def _start(self, run: Run) -> _Started:
        start_folder(run)
        with (run.folder / LOG).open("wb") as log:
            process = start_child(self._command(run), self._threads, log, subprocess.STDOUT)
        return _Started(run, process, time.monotonic())

    def _ended(self) -> Iterator[Outcome]:
        for started in [s for s in self._running if s.process.poll() is not None]:
            self._running.remove(started)
            started.process.stdin.close()
            seconds, log = time.monotonic() - started.since, started.run.folder / LOG
            error = told_error(log, started.process.returncode)
            yield Outcome(started.run, seconds, error)

    def _stop(self) -> None:
        stop_children([started.process for started in self._running])
        self._running.clear()
