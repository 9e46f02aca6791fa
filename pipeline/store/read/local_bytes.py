"""Parts of a store's files on a local or mounted file system."""

import errno
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from pipeline.errors import KDError
from pipeline.store.format.shard_bytes import Span

_OPEN_FILES = 256
"""Of all stores together; many systems allow a process 1,024."""
_LOST = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO)
"""What computing a shard again fixes."""


_IN_MEMORY = 2e-5
"""Seconds that reading a span takes at most where the system has it in memory."""


class LocalBytes:
    """Reads by `pread`: it needs no position, so a forked child can share its parent's open files, and a file
    that was cut short gives fewer bytes, where a memory map would kill the process.

    Files are opened when first read; one that is replaced later may be read as it was.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder.absolute())
        self._waits = True

    def read(self, spans: Sequence[Span]) -> list[bytes]:
        """See `ShardBytes`."""
        if self._waits:
            self._announce(spans)
        started, found = time.perf_counter(), []
        for file, offset, length in spans:
            try:
                opened = _opened(self, file)  # kept until it is read: another thread may forget it
                found.append(os.pread(opened.descriptor, length, offset))
            except OSError as error:
                found.append(self._nothing(file, error))
        self._waits = time.perf_counter() - started > _IN_MEMORY * len(spans)
        return found

    def read_ends(self, files: Sequence[str], length: int) -> list[bytes]:
        """See `ShardBytes`."""
        return self.read([(file, max(0, self._size(file) - length), length) for file in files])

    def _size(self, file: str) -> int:
        with suppress(OSError):  # reported when it is read
            return os.stat(f"{self.folder}/{file}").st_size
        return 0

    def _announce(self, spans: Sequence[Span]) -> None:
        """A disk that hears of all spans before the first is waited for is twice as fast."""
        if hasattr(os, "posix_fadvise"):
            with suppress(OSError):  # reported when it is read
                for file, offset, length in spans:
                    os.posix_fadvise(_opened(self, file).descriptor, offset, length, os.POSIX_FADV_WILLNEED)

    def _nothing(self, file: str, error: OSError) -> bytes:
        if error.errno in _LOST:
            return b""
        raise KDError(
            f"{self.folder}/{file} cannot be read: {error.strerror}. Put that right, then run the same "
            "command again."
        ) from None


class _OpenFile:
    """Closed when nothing refers to it any more, so a thread still reading keeps it open."""

    def __init__(self, path: str) -> None:
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)


@lru_cache(_OPEN_FILES)
def _opened(source: LocalBytes, file: str) -> _OpenFile:
    """Every source opens files itself, so that a store is never mixed with the one it replaced."""
    return _OpenFile(f"{source.folder}/{file}")
