"""`kd-pipeline` commands in processes of their own, which end with the process that started them."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

Key = TypeVar("Key")
PATIENCE_SECONDS = 30.0
"""How long a child may take to finish its step when it is stopped."""


def command_line(*arguments: str) -> list[str]:
    """What runs `kd-pipeline` with these arguments."""
    # -P: a folder in the user's working directory must not be taken for one of our packages.
    return [sys.executable, "-P", "-m", "stages", *arguments]


@dataclass(frozen=True)
class Ended(Generic[Key]):
    """How a child ended: `error` is empty where it succeeded."""

    key: Key
    seconds: float
    error: str


@dataclass(frozen=True)
class _Child(Generic[Key]):
    key: Key
    process: subprocess.Popen
    log: Path
    since: float


class Children(Generic[Key]):
    """Processes by key, `threads` threads to each. They end with this process: each listens to a pipe that
    only this process holds open (`end_with_standard_input`)."""

    def __init__(self, threads: int) -> None:
        self._environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        self._running: list[_Child[Key]] = []

    def __len__(self) -> int:
        """Those that are running, or whose end has not been reported yet."""
        return len(self._running)

    def start(self, key: Key, command: Sequence[str], log: Path) -> None:
        """One more, that prints into the file `log`."""
        with log.open("wb") as printed:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=printed,
                stderr=subprocess.STDOUT,
                env=self._environment,
                # Ctrl-C is for this process, which then stops its children itself. A group, not a session:
                # Linux shares the cores between sessions first, and `nice` would count within each only.
                process_group=0,
            )
        self._running.append(_Child(key, process, log, time.monotonic()))

    def ended(self) -> list[Ended[Key]]:
        """Those that have ended since it was last asked."""
        over = [child for child in self._running if child.process.poll() is not None]
        for child in over:
            self._running.remove(child)
            child.process.stdin.close()
        now = time.monotonic()
        return [
            Ended(child.key, now - child.since, _error_of(child.log, child.process.returncode))
            for child in over
        ]

    def stop(self) -> None:
        """Interrupt each as Ctrl-C does, and kill those that do not end."""
        for child in self._running:
            child.process.stdin.close()
        for child in self._running:
            try:
                child.process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        self._running.clear()


def _error_of(log: Path, code: int) -> str:
    """How a child that wrote to `log` and ended with this exit code failed: its error's paragraph, or its
    last line; empty for 0."""
    if code == 0:
        return ""
    text = log.read_text(encoding="utf-8", errors="replace").strip()
    _, found, message = text.rpartition("\nError: ") if "\nError: " in text else text.partition("Error: ")
    if code == 2 and found:
        return " ".join(message.split())
    last = text.splitlines()[-1] if text else "it printed nothing"
    ended = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    return f"{ended}: {last} (all of it: {log})"


def end_with_standard_input() -> None:
    """In a child: interrupt the main thread, as Ctrl-C does, when the process that started it closes the pipe
    or dies."""
    # A shell that starts a job in the background has it ignore Ctrl-C, and that is inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main = threading.main_thread().ident

    def watch() -> None:
        while os.read(0, 1024):  # sys.stdin's own lock would still be held when the interpreter shuts down
            pass
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()
