"""Hashes of files' contents, and of plain values."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

SEAL = "content_sha256"
"""In a JSON object that was written by a program and is to be read by one."""


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


def sealed_json(value: Mapping[str, Any], seal: str = SEAL) -> dict[str, Any]:
    """An object as it reads back from JSON, with a hash of all the rest as its last entry, called `seal`."""
    plain = {name: entry for name, entry in json.loads(json.dumps(value)).items() if name != seal}
    return plain | {seal: sha256_of_json(plain)}


def check_seal(value: Mapping[str, Any], seal: str = SEAL) -> None:
    """Raises ValueError where an object is not as `sealed_json` made it. One without a seal, of a file that
    an earlier version wrote, passes."""
    if seal in value and value[seal] != sealed_json(value, seal)[seal]:
        raise ValueError("it does not match the hash written with it")


@cache
def _sha256(path: Path, modified_ns: int, size: int) -> str:
    return sha256_of(path)
