"""Weights that an ONNX file keeps in other files, as torch's exporter does by default."""

import hashlib
import re
from pathlib import Path

from pipeline.files.hashes import sha256_of

_LOCATION = re.compile(rb"\x0a\x08location\x12([\x00-\x7f]|[\x80-\xff][\x00-\x7f])")
"""A tensor's entry `location` in ONNX's protobuf, up to the length of the name of its file."""


def external_data_sha256(path: Path) -> str | None:
    """Hash of the files that the ONNX file at `path` keeps weights in, by their names relative to it; None
    where all are in itself, or where one is missing: onnxruntime reports that."""
    files = {name: path.parent / name for name in sorted(_locations(path.read_bytes()))}
    try:
        found = {name: sha256_of(file) for name, file in files.items()}
    except (OSError, ValueError):  # missing, or a name that is none
        return None
    if not found:
        return None
    listing = "".join(f"{name}\0{sha256}\0" for name, sha256 in found.items())
    return hashlib.sha256(listing.encode()).hexdigest()


def _locations(model: bytes) -> set[str]:
    names = set()
    for match in _LOCATION.finditer(model):
        low, *high = match[1]
        length = (low & 0x7F) + (high[0] << 7 if high else 0)
        names.add(model[match.end() : match.end() + length].decode(errors="replace"))
    return names
