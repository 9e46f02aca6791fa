"""Students that train in processes of their own, beside one that trains in this process."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from stages.child_process import start_child, stop_children, told_error

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class _Started:
    name: str
    process: subprocess.Popen


class StudentProcesses:
    """Trains students by name; as a context, it stops at its end those that still go.

    What each prints goes to its file of `logs`, so that what several say at once does not mix. One that fails
    does not stop the others; `errors` has what it said, by name.
    """

    def __init__(
        self,
        logs: Mapping[str, Path],
        command: Callable[[str], Sequence[str]],
        threads: int,
        on_done: Callable[[str], None],
    ) -> None:
        """`threads`: of each process. `on_done`: called with the name of every student that is trained."""
        self.errors: dict[str, str] = {}
        self._logs = logs
        self._waiting = list(logs)
        self._command = command
        self._threads = threads
        self._on_done = on_done
        self._running: list[_Started] = []

    def keep(self, going: int) -> None:
        """Have so many going, as long as any wait. Returns at once."""
        for started in [s for s in self._running if s.process.poll() is not None]:
            self._running.remove(started)
            started.process.stdin.close()
            error = told_error(self._logs[started.name], started.process.returncode)
            if error:
                self.errors[started.name] = error
            else:
                self._on_done(started.name)
        while self._waiting and len(self._running) < going:
            name = self._waiting.pop(0)
            with self._logs[name].open("wb") as log:
                process = start_child(self._command(name), self._threads, log, subprocess.STDOUT)
            self._running.append(_Started(name, process))

    def finish(self, at_a_time: int) -> None:
        """Until every one has ended."""
        while self._waiting or self._running:
            self.keep(at_a_time)
            time.sleep(_POLL_SECONDS)

    def __enter__(self) -> "StudentProcesses":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stop_children([started.process for started in self._running])
        self._running.clear()
