"""A disk that is full from the n-th time on that something below a folder needs room."""

import builtins
import errno
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FullDisk:
    """Counts what needs room (a new folder, a new or truncated file, bytes that reach one), and refuses it
    once `room` such requests are over; `requests` names the files they were for."""

    def __init__(self, folder: Path, room: int | None = None) -> None:
        self._folder = str(folder)
        self._room = room
        self.requests: list[str] = []

    def take(self, path: object) -> None:
        place = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        if not os.path.abspath(place).startswith(self._folder):
            return
        self.requests.append(re.sub("[0-9a-f]{32}|tmp[a-z0-9_]{8}", "", place))
        if self._room is not None and len(self.requests) > self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), place)


class _CountedFile(io.FileIO):
    def __init__(self, path: str, mode: str, disk: FullDisk) -> None:
        self._disk = disk
        disk.take(path)
        super().__init__(path, mode)

    def write(self, data: object) -> int:
        self._disk.take(self.name)
        return super().write(data)


@contextmanager
def full_disk(folder: Path, room: int | None = None) -> Iterator[FullDisk]:
    """What Python writes below `folder` meets this disk; with `room` None it is only counted."""
    disk = FullDisk(folder, room)
    plain_open, plain_mkdir, plain_os_open = io.open, os.mkdir, os.open

    def opened(
        file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None
    ):
        if isinstance(file, int) or opener is not None or not set(mode) & set("wxa+"):
            return plain_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = _CountedFile(os.fspath(file), mode.replace("b", "").replace("t", ""), disk)
        if buffering == 0:
            return raw
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

    def made(path, *rest, **more):
        disk.take(path)
        return plain_mkdir(path, *rest, **more)

    def os_opened(path, flags, *rest, **more):
        if flags & os.O_CREAT or flags & os.O_TMPFILE == os.O_TMPFILE:
            disk.take(path)
        return plain_os_open(path, flags, *rest, **more)

    builtins.open = io.open = opened
    os.mkdir, os.open = made, os_opened
    try:
        yield disk
    finally:
        builtins.open = io.open = plain_open
        os.mkdir, os.open = plain_mkdir, plain_os_open


def places_to_fail(requests: list[str], most: int) -> list[int]:
    """Numbers of so many requests at most, each the first or the last for a file, spread over the run."""
    first = {place: number for number, place in reversed(list(enumerate(requests)))}
    last = {place: number for number, place in enumerate(requests)}
    found = sorted({*first.values(), *last.values()})
    return [found[i * (len(found) - 1) // max(most - 1, 1)] for i in range(min(most, len(found)))]
