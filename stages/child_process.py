"""Commands of ours in processes of their own, which end with the process that started them."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

PATIENCE_SECONDS = 30.0
"""How long a child may take to finish its step when it is stopped."""


def command_line(*arguments: str) -> list[str]:
    """What runs `kd-pipeline` with these arguments."""
    # -P: a folder in the user's working directory must not be taken for one of our packages.
    return [sys.executable, "-P", "-m", "stages", *arguments]


def start_child(
    command: Sequence[str], threads: int, stdout: IO[bytes], stderr: IO[bytes] | int | None
) -> subprocess.Popen:
    """A process with `threads` threads, whose standard input is a pipe that only this process holds open.

    `end_with_standard_input`, called in it, makes it end when this one does.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        # Ctrl-C is for this process, which then stops its children itself. A group, not a session: Linux
        # shares the cores between sessions first, and `nice` would count within each only.
        process_group=0,
    )


def stop_children(processes: Sequence[subprocess.Popen]) -> None:
    """Let each end as after Ctrl-C, and kill those that do not."""
    for process in processes:
        process.stdin.close()
    for process in processes:
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def told_error(log: Path, code: int) -> str:
    """What a child that wrote to `log` and ended with this exit code said: its error's paragraph, or its last
    line; empty for 0."""
    if code == 0:
        return ""
    text = log.read_text(encoding="utf-8", errors="replace").strip()
    _, found, message = text.rpartition("\nError: ") if "\nError: " in text else text.partition("Error: ")
    if code == 2 and found:
        return " ".join(message.split())
    last = text.splitlines()[-1] if text else "it said nothing"
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
