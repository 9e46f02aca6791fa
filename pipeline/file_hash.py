"""Hashes of files' contents, and of plain values."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def known_sha256(path: Path) -> str:
    """The same; a file that has not changed since this process last asked is not read again."""
    facts = path.stat()
    return _sha256(path, facts.st_mtime_ns, facts.st_size)


def sha256_of_json(value: Any) -> str:
    """SHA-256 of a value as JSON, its keys sorted."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@cache
def _sha256(path: Path, modified_ns: int, size: int) -> str:
    return sha256_of(path)
