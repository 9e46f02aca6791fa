"""Students that train in processes of their own, beside one that trains in this process."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from stages.processes.child_process import Children

_POLL_SECONDS = 0.2


class StudentProcesses:
    """Trains students by name; as a context, it stops at its end those that are still running. What each
    prints goes to its file of `logs`, so that the output of several does not mix. One that fails does not
    stop the others; `errors` has its message, by name.
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
        self._on_done = on_done
        self._children: Children[str] = Children(threads)

    def keep(self, going: int) -> None:
        """Keep this many running, as long as any wait. Returns at once."""
        for ended in self._children.ended():
            if ended.error:
                self.errors[ended.key] = ended.error
            else:
                self._on_done(ended.key)
        while self._waiting and len(self._children) < going:
            name = self._waiting.pop(0)
            self._children.start(name, self._command(name), self._logs[name])

    def finish(self, at_a_time: int) -> None:
        """Waits until every one has ended."""
        while self._waiting or self._children:
            self.keep(at_a_time)
            time.sleep(_POLL_SECONDS)

    def __enter__(self) -> "StudentProcesses":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._children.stop()
