"""Files that are whole or not there: the one way in which single files are written."""

import errno
import os
import shutil
import tempfile
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import KDError


def make_folder(path: Path) -> Path:
    """`path`, made if need be.

    Raises:
        KDError: it cannot be made, or cannot be written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise KDError(
            f"the output folder {path} cannot be written: {error.strerror}. "
            "Make it writable, or choose another workspace with --workspace."
        ) from None
    return path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` for the body to write; it becomes `path` where the body succeeds.

    A reader, or who looks after a kill or a power cut, finds the old file or the new one. Where the body
    fails the old one stays. `path` is renamed over, not written into: a link there, or another name of the
    same file (DVC's cache has one), keeps what it has.

    Raises:
        KDError: the folder cannot be made, no space is left, or the file cannot be written.
    """
    temporary = make_folder(path.parent) / f".{path.name[:64]}.{uuid.uuid4().hex}.tmp"
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        temporary.unlink(missing_ok=True)


def remove_unfinished(path: Path) -> None:
    """Temporary files that killed writers of `path` left. Only for who knows that nobody is writing it."""
    for left in path.parent.glob(f".{path.name[:64]}.*.tmp"):
        left.unlink(missing_ok=True)


def write_atomically(path: Path, content: str | bytes) -> Path:
    """`content` as the file `path` (`replacing`).

    Raises:
        KDError: as `replacing`.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@contextmanager
def replacing_entries(folder: Path, names: Collection[str]) -> Iterator[Path]:
    """An empty folder in `folder` for the body to fill with files and folders. Where it succeeds, they take
    the places of what has their names, in the order of `names`; of these, what is not written again goes.

    All that needs room on the disk is done by then. Where the body fails, what was there stays. One writer at
    a time: what a killed one left is removed.

    Raises:
        KDError: as `replacing`.
    """
    draft, old = make_folder(folder) / ".new", folder / ".old"
    try:
        for left in (draft, old):
            shutil.rmtree(left, ignore_errors=True)
            left.mkdir()
        yield draft
        others = sorted(path.name for path in draft.iterdir() if path.name not in names)
        for name in (*others, *names):
            if os.path.lexists(folder / name):
                os.replace(folder / name, old / name)
            if os.path.lexists(draft / name):
                os.replace(draft / name, folder / name)
        sync(folder)
    except OSError as error:
        raise cannot_write(folder, error) from None
    finally:
        for left in (draft, old):
            shutil.rmtree(left, ignore_errors=True)


NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


def cannot_write(
    path: Path, error: OSError, kept: str = "What was there before is unchanged.", resumes: str = ""
) -> KDError:
    """What stopped writing at `path`, and what to do about it; `kept` says what is safe, `resumes` what the
    same command does once there is room."""
    if error.errno in NO_SPACE:
        return KDError(
            f"no space left to write {path}: {error.strerror}. {kept} "
            f"Make room on that disk, then run the same command again{resumes}."
        )
    return KDError(
        f"{path} cannot be written: {error.strerror or error}. {kept} "
        "Make the folder writable, or choose another workspace, then run the same command again."
    )


def sync(path: Path) -> None:
    """The file, or the names in the folder, are on the disk before this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
