"""Runs as processes, so many at a time."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from student.ablation.ablation import Run
from student.ablation.run_folder import LOG, start_folder

_POLL_SECONDS = 0.2
_PATIENCE_SECONDS = 30.0
"""How long a run may take to finish its step when it is stopped."""


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
    # -P: a folder in the user's working directory must not be taken for one of our packages.
    command = [sys.executable, "-P", "-m", "stages", "ablate-run", str(run.folder.absolute())]
    return [*command, "--workspace", str(run.workspace.root.absolute())]


class RunQueue:
    """Starts runs in their order, `jobs` at a time; a failed one does not stop the others.

    Every run has a process of its own with `threads` threads, which ends with this one: it listens to a
    pipe that only this process holds open.
    """

    def __init__(
        self, jobs: int, threads: int, command: Callable[[Run], Sequence[str]] = run_command
    ) -> None:
        self._jobs = jobs
        self._command = command
        self._environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
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
            process = subprocess.Popen(
                self._command(run),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                # Ctrl-C is for this process, which then stops the runs itself. A group, not a session:
                # Linux shares the cores between sessions first, and `nice` would count within each only.
                process_group=0,
            )
        return _Started(run, process, time.monotonic())

    def _ended(self) -> Iterator[Outcome]:
        for started in [s for s in self._running if s.process.poll() is not None]:
            self._running.remove(started)
            started.process.stdin.close()
            seconds, log = time.monotonic() - started.since, started.run.folder / LOG
            error = _told(log, started.process.returncode) if started.process.returncode else ""
            yield Outcome(started.run, seconds, error)

    def _stop(self) -> None:
        for started in self._running:
            started.process.stdin.close()
        for started in self._running:
            try:
                started.process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                started.process.kill()
                started.process.wait()
        self._running.clear()


def _told(log: Path, code: int) -> str:
    """What a failed run said: its error's paragraph, or how it ended."""
    text = log.read_text(encoding="utf-8", errors="replace").strip()
    _, found, message = text.rpartition("\nError: ") if "\nError: " in text else text.partition("Error: ")
    if code == 2 and found:
        return " ".join(message.split())
    last = text.splitlines()[-1] if text else "it said nothing"
    ended = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    return f"{ended}: {last} (all of it: {log})"
