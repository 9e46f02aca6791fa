"""Extraction in processes of their own, forked from this one so that they start in milliseconds."""

import json
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from pipeline.errors import KDError
from pipeline.extraction import extract
from pipeline.extraction.teacher_rows import CropRequest

_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Outcome:
    """How a process ended.

    `killed`: by us. `computed`: the crops that the teacher answered for the store, in order. `moment`: what
    the process was about to do when it was killed.
    """

    result: Any
    error: str | None
    killed: bool
    computed: tuple[int, ...]
    moment: str


class Child:
    """`work` in a forked process, which is killed by SIGKILL: before its `kill_before`-th change of a file
    system entry, or `kill_after_s` seconds after its start; whichever is given."""

    def __init__(
        self,
        work: Callable[[], Any],
        log: Path,
        kill_before: int | None = None,
        kill_after_s: float | None = None,
    ) -> None:
        self._log = log
        self._kill_after_s = kill_after_s
        self._receiving, sending = _FORK.Pipe(duplex=False)
        log.unlink(missing_ok=True)
        self._process = _FORK.Process(target=_work, args=(work, log, kill_before, sending))
        self._process.start()
        sending.close()

    def wait(self) -> Outcome:
        if self._kill_after_s is not None:
            self._process.join(self._kill_after_s)
            self._process.kill()
        answer = self._answer()
        self._process.join()
        killed = self._process.exitcode == -signal.SIGKILL
        if answer is None and not killed:
            raise RuntimeError(f"the process ended with {self._process.exitcode} and sent nothing")
        result, error = answer or (None, None)
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        entries = [json.loads(line) for line in lines]
        computed = tuple(crop for entry in entries for crop in entry.get("computed", ()))
        moments = [entry["moment"] for entry in entries if "moment" in entry]
        return Outcome(result, error, killed, computed, (moments or ["at a random time"])[0])

    def _answer(self) -> tuple[Any, str | None] | None:
        """Not waiting for the end of the pipe: a worker that outlives a killed process holds it open."""
        while self._process.is_alive() and not self._receiving.poll(0.01):
            pass
        try:
            return self._receiving.recv() if self._receiving.poll() else None
        except EOFError:
            return None


def in_child(work: Callable[[], Any], log: Path) -> Outcome:
    """`work` in a process of its own, undisturbed: no thread or lock of it stays behind here."""
    return Child(work, log).wait()


def _work(work: Callable[[], Any], log: Path, kill_before: int | None, sending: Connection) -> None:
    torch.set_num_threads(1)  # OpenMP's threads stay behind in the parent
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what a worker says when its parent is killed
    _note_answers(log)
    if kill_before is not None:
        sys.addaudithook(_Killer(log, kill_before))
    try:
        sending.send((work(), None))
    except KDError as error:
        sending.send((None, str(error)))
    except BaseException:
        sending.send((None, "Traceback: " + traceback.format_exc()))


def _note_answers(log: Path) -> None:
    """Write down the crops that every batch was of; a line is whole or not there, whatever comes after."""
    teacher_rows = extract.teacher_rows

    def noted(teacher: Any, request: CropRequest, codec: Any) -> Any:
        rows = teacher_rows(teacher, request, codec)
        _append(log, {"computed": request.keys.crop_id_B.tolist()})
        return rows

    extract.teacher_rows = noted


def _append(log: Path, entry: dict[str, Any]) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, (json.dumps(entry) + "\n").encode())
    os.close(descriptor)


class _Killer:
    """An audit hook: sees every change of a store's files just before it is made."""

    _CHANGES = ("open", "os.rename", "os.mkdir", "os.rmdir", "os.remove")

    def __init__(self, log: Path, kill_before: int) -> None:
        self._log = log
        self._left = kill_before
        self._process = os.getpid()

    def __call__(self, event: str, arguments: tuple) -> None:
        if event not in self._CHANGES or os.getpid() != self._process:
            return
        place = _place(event, arguments)
        if place is None:
            return
        self._left -= 1
        if self._left == 0:
            _append(self._log, {"moment": _moment(event, place)})
            os.kill(self._process, signal.SIGKILL)
            time.sleep(60)


def _place(event: str, arguments: tuple) -> Path | None:
    """What is about to change, if it is a store's."""
    if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
        return None
    name = arguments[1] if event == "os.rename" else arguments[0]
    place = Path(os.fsdecode(name)) if isinstance(name, str | bytes | os.PathLike) else None
    return place if place is not None and ".zarr" in str(place) else None


def _moment(event: str, place: Path) -> str:
    names = place.name, *(parent.name for parent in place.parents)
    if event == "open":
        what = "description" if place.name.endswith(".json") else "shard"
        return f"before writing a file of a {what}"
    if event == "os.rename":
        if any(name.startswith(".") and ".zarr." in name for name in names) or place.suffix == ".zarr":
            return "before putting a new store in place"
        what = "description" if place.suffix == ".json" else "seal" if "seal" in names else "shard"
        return f"before publishing a file of a {what}"
    return "before making a folder" if event == "os.mkdir" else "before clearing up"
