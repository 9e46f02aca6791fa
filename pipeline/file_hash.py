"""Hashes of files' contents."""

import hashlib
from functools import cache
from pathlib import Path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def known_sha256(path: Path) -> str:
    """The same; a file that has not changed since this process last asked is not read again."""
    facts = path.stat()
    return _sha256(path, facts.st_mtime_ns, facts.st_size)


@cache
def _sha256(path: Path, modified_ns: int, size: int) -> str:
    return sha256_of(path)
