"""Annotation files as JSON, and what an unexpected one looks like."""

import json
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import KDError

COCO = "COCO-style keypoints (format coco; posetrack18 for PoseTrack18)"
MPII = "an MPII list of joints, centers and scales (format mpii)"
BOXES = "detection results (boxes with scores: format images, or a dataset's `boxes`)"
_QUOTED = 1e5
"""Messages quote numbers of such a size as they are written."""
_COMPRESSED = {
    b"\x1f\x8b": ("gzip", "gunzip"),
    b"PK\x03\x04": ("zip", "unzip"),
    b"BZh": ("bzip2", "bunzip2"),
    b"\xfd7zXZ\x00": ("xz", "unxz"),
    b"(\xb5/\xfd": ("zstd", "unzstd"),
}
"""How compressed files begin; what they are, and what unpacks them."""


def read_json(path: Path) -> Any:
    """The file's JSON value; joints and boxes of plain numbers are arrays, and outlines None (`_packed`).

    Raises:
        KDError: missing, a folder, not text, or not JSON (with the line).
    """
    if not path.is_file():
        found = "is a folder" if path.is_dir() else "does not exist"
        raise KDError(
            f"the annotation file {path} {found}. Put the file there, or correct its path in params.yaml."
        )
    try:
        return json.loads(_text(path), object_hook=_packed)
    except json.JSONDecodeError as error:
        raise _not_json(path, f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError:
        raise _not_json(path, "it is not UTF-8 text") from None
    except ValueError as error:
        raise _not_json(path, str(error)) from None  # a number of thousands of digits
    except RecursionError:
        raise _not_json(path, "it is nested too deeply") from None
    except OSError as error:
        raise KDError(f"{path} cannot be read: {error.strerror}. Make it readable.") from None


def _text(path: Path) -> str:
    """The bytes are freed on return: a large file is not held twice while it is parsed."""
    data = path.read_bytes()
    if data.startswith(tuple(_COMPRESSED)):
        raise _compressed(path, data)
    return data.decode("utf-8-sig")


def _packed(entry: dict[str, Any]) -> dict[str, Any]:
    """The same entry in a third of the memory. Outlines, which are longer than the rest, are never read."""
    for key, value in entry.items():
        if key == "segmentation":
            entry[key] = None
        elif value and isinstance(value, list) and key.startswith(("keypoints", "bbox")):
            entry[key] = _numbers(value)
    return entry


def _numbers(values: list) -> array | list:
    """2 bytes each where all are small integers, 8 where they are others; unchanged where any is no number,
    or is so large that a message will quote it."""
    try:
        return array("h", values)
    except (TypeError, OverflowError):
        pass
    try:
        packed = array("d", values)
    except (TypeError, OverflowError):
        return values
    return packed if (np.abs(np.frombuffer(packed)) < _QUOTED).all() else values


def _compressed(path: Path, data: bytes) -> KDError:
    by, command = next(tool for start, tool in _COMPRESSED.items() if data.startswith(start))
    return KDError(
        f"{path} is compressed by {by}, but plain JSON was wanted. Unpack it ({command} {path.name}) and "
        "name the unpacked file in params.yaml."
    )


def _not_json(path: Path, cause: str) -> KDError:
    return KDError(
        f"{path} is not JSON: {cause}. Download or export it again, or correct its path in params.yaml."
    )


def is_image_list(value: Any) -> bool:
    """Whether a parsed file is COCO's object with `images`, with annotations or without."""
    return isinstance(value, Mapping) and isinstance(value.get("images"), list)


def wrong_format(path: Path, wanted: str, value: Any) -> KDError:
    """The error for a file that is JSON, but of another kind than the dataset's parameters say."""
    return KDError(
        f"{path} looks like {looks_like(value)}, but {wanted} was wanted. "
        "Name another file, or set the dataset's format in params.yaml to what the file is."
    )


def looks_like(value: Any) -> str:
    """What a parsed annotation file most probably is, in words."""
    if isinstance(value, list):
        return _list_looks_like(value)
    if isinstance(value, Mapping):
        return _object_looks_like(value)
    return f"a single JSON {type(value).__name__}"


def _list_looks_like(entries: list) -> str:
    if not entries:
        return "an empty list"
    if not isinstance(entries[0], Mapping):
        return f"a list of {type(entries[0]).__name__} values"
    keys = set(entries[0])
    if {"joints", "center", "scale"} <= keys:
        return MPII
    if {"keypoints", "score"} <= keys:
        return "keypoint results (a model's predictions)"
    if {"bbox", "score"} <= keys:
        return BOXES
    return f"a list of objects with {_listing(keys)}"


def _object_looks_like(value: Mapping) -> str:
    annotations = value.get("annotations")
    if not is_image_list(value):
        return f"an object with {_listing(value)}"
    if not isinstance(annotations, list):
        return f"a COCO list of {len(value['images'])} images, without annotations"
    if any(isinstance(entry, Mapping) and "keypoints" in entry for entry in annotations):
        return COCO
    if any(isinstance(entry, Mapping) and "caption" in entry for entry in annotations):
        return "COCO captions"
    return f"COCO instances: {len(annotations)} annotations, none with keypoints"


def _listing(keys: Any) -> str:
    names = sorted(str(key) for key in keys)
    return ("the keys " + ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")) if names else "no keys"
