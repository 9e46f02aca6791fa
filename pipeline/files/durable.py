"""Files that are there whole or not at all, and processes that take turns."""

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
from pipeline.files.atomic import cannot_write

SESSIONS = ".partial"
"""Folder below a store for files being written: one folder per writer, renamed out of it when whole."""


def storage_error(path: Path, error: OSError) -> KDError:
    """What stopped writing at `path` in a store, and what to do about it."""
    return cannot_write(path, error, "Finished shards are kept.", ": it resumes with the missing shards")


def write_durably(path: Path, parts: Iterable[bytes]) -> None:
    """`parts` one after the other as the file `path`, on the disk before this returns."""
    with path.open("wb") as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """One spelling per value; NaN, which is not JSON, is refused."""
    return (json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


_held: set[int] = set()
"""Descriptors of folders that this process has locked, or waits for."""


def _let_go() -> None:
    """A forked DataLoader worker outlives its killed parent by a moment; with a copy of a descriptor it would
    hold on to the parent's lock."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_let_go)


def _open_folder(folder: Path) -> int:
    descriptor = os.open(folder, os.O_RDONLY)
    _held.add(descriptor)
    return descriptor


def _close_folder(descriptor: int) -> None:
    """Also lets go of the lock."""
    if descriptor in _held:  # else this is a child, which has closed it already
        _held.remove(descriptor)
        os.close(descriptor)


@contextmanager
def taking_turns(folder: Path) -> Iterator[bool]:
    """One process at a time in the body, among all that name this `folder`; False where that cannot be had.

    The lock is on the folder itself, so nothing is left behind; a killed holder lets go of it. File systems
    without locks are left to the atomicity of rename, which alone keeps every file whole.
    """
    descriptor = _open_folder(folder)
    try:
        yield _locked(descriptor)
    finally:
        _close_folder(descriptor)


def _locked(descriptor: int) -> bool:
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return True
    return False


class Session:
    """A folder of one writer below `store`, locked as long as the writer lives."""

    def __init__(self, store: Path) -> None:
        self.folder = store / SESSIONS / uuid.uuid4().hex
        with taking_turns(store.parent):  # else it could be taken for a dead one's before it is locked
            self.folder.mkdir(parents=True)
            self._descriptor = _open_folder(self.folder)
            _locked(self._descriptor)

    def close(self) -> None:
        """Remove what is unfinished."""
        shutil.rmtree(self.folder, ignore_errors=True)
        _close_folder(self._descriptor)
        sessions = self.folder.parent
        with suppress(OSError), taking_turns(sessions.parent.parent):
            sessions.rmdir()


def remove_dead_sessions(store: Path) -> None:
    """Delete what killed writers left; a living writer's folder is locked and stays. To be called in one's
    turn."""
    for folder in (store / SESSIONS).glob("*"):
        with suppress(OSError):
            if not is_locked(folder):
                shutil.rmtree(folder)
    with suppress(OSError):
        (store / SESSIONS).rmdir()


def is_locked(session: Path) -> bool:
    """Whether the writer whose folder this is may be alive."""
    return _refusal_of_lock(session) is not None


def is_held(folder: Path) -> bool:
    """Whether another process is known to hold the folder's lock; False where there are no locks."""
    return isinstance(_refusal_of_lock(folder), BlockingIOError)


def _refusal_of_lock(folder: Path) -> OSError | None:
    """Why the folder cannot be locked just now; None where it can."""
    try:
        descriptor = _open_folder(folder)
    except OSError as error:
        return error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error
    finally:
        _close_folder(descriptor)
    return None
