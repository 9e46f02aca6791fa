"""Hashes of files' contents."""

import hashlib
from functools import cache
from pathlib import Path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_tree(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder, that of the names and hashes of all files in it. A file that
    has not changed since this process last asked is not read again."""
    if not path.is_dir():
        return _sha256(path, *_stamp(path))
    digest = hashlib.sha256()
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        name, content = file.relative_to(path).as_posix(), _sha256(file, *_stamp(file))
        digest.update(f"{name}\0{content}\0".encode())
    return digest.hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_mtime_ns, facts.st_size


@cache
def _sha256(path: Path, modified_ns: int, size: int) -> str:
    return sha256_of(path)
