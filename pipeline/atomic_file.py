"""Files that are whole or not there."""

import os
from pathlib import Path

from pipeline.workspace import make_folder


def write_atomically(path: Path, content: str | bytes) -> Path:
    """Write `content` under a temporary name next to `path`, then rename: a reader never sees half of it.

    Raises:
        KDError: the folder cannot be made or written to.
    """
    temporary = make_folder(path.parent) / f".{path.name}.{os.getpid()}.tmp"
    try:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
