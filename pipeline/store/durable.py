"""Files that are there whole or not at all, and processes that take turns."""

import errno
import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pipeline.errors import KDError

SESSIONS = ".partial"
"""Folder below a store for files being written: one folder per writer, renamed out of it when whole."""


def storage_error(path: Path, error: OSError) -> KDError:
    """What stopped writing at `path`, and what to do about it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return KDError(
            f"no space left to write {path}: {error.strerror}. Finished shards are kept. "
            "Make room on that disk, then run the same command again: it goes on with the missing shards."
        )
    return KDError(
        f"{path} cannot be written: {error.strerror or error}. Finished shards are kept. "
        "Make the folder writable, or choose another workspace, then run the same command again."
    )


def write_durably(path: Path, parts: Iterable[bytes]) -> None:
    """`parts` one after the other as the file `path`, on the disk before this returns."""
    with path.open("wb") as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """One spelling per value; NaN, which is not JSON, is refused."""
    return (json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


@contextmanager
def taking_turns(folder: Path) -> Iterator[bool]:
    """One process at a time in the body, among all that name this `folder`; False where that cannot be had.

    The lock is on the folder itself, so nothing is left behind; a killed holder lets go of it. Released
    explicitly, because a forked DataLoader worker holds a copy of the descriptor. File systems without
    locks are left to the atomicity of rename, which alone keeps every file whole.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    locked = False
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            locked = True
        yield locked
    finally:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


class Session:
    """A folder of one writer below `store`, locked as long as the writer lives."""

    def __init__(self, store: Path) -> None:
        self.folder = store / SESSIONS / uuid.uuid4().hex
        self.folder.mkdir(parents=True)
        self._descriptor = os.open(self.folder, os.O_RDONLY)
        with suppress(OSError):
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def close(self) -> None:
        """Remove what is unfinished."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        os.close(self._descriptor)
        with suppress(OSError):
            self.folder.parent.rmdir()


def remove_dead_sessions(store: Path) -> None:
    """Delete what killed writers left; a living writer's folder is locked and stays."""
    for folder in (store / SESSIONS).glob("*"):
        with suppress(OSError):
            _remove_if_unlocked(folder)
    with suppress(OSError):
        (store / SESSIONS).rmdir()


def _remove_if_unlocked(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    finally:
        os.close(descriptor)
