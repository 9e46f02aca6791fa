"""The metadata files of a store, and which of them to believe when one is damaged.

Everything in them follows from the group's attributes, and those the store has twice.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import KDError
from pipeline.files.durable import json_bytes
from pipeline.store.format.cell import DamagedMetadata, UnknownFormat, group_metadata, layout_of
from pipeline.store.format.zarr_json import array_json
from pipeline.store.store import METADATA, Store, read_attributes

COPY = "crop_id/group.json"
"""The group's metadata again; in an array's folder, where Zarr's readers do not warn of strange files."""


def metadata_files(attributes: Mapping[str, Any]) -> dict[str, bytes]:
    """What is in every metadata file, by its place below the store.

    In the order of writing: the copy first, so that it is never behind the group's own file, which goes last.
    """
    level = attributes["codec"]["zstd_level"]
    arrays = {
        f"{array.name}/{METADATA}": json_bytes(array_json(array, level))
        for array in layout_of(attributes).arrays
    }
    group = json_bytes(group_metadata(attributes))
    return {COPY: group, **arrays, METADATA: group}


def open_damaged(path: Path) -> tuple[Store, dict[str, str]]:
    """The store at `path`, after the sound one of its two descriptions; and by place what is wrong with
    its metadata files.

    Raises:
        KDError: there is no store, it has another format, or both descriptions are damaged.
    """
    attributes = _believed(path)
    found = {place: difference(path / place, data) for place, data in metadata_files(attributes).items()}
    return Store(path, attributes), {place: cause for place, cause in found.items() if cause}


def _believed(path: Path) -> dict[str, Any]:
    """The copy is at least as new as the group's own file; of two cells, the one whose shards are here."""
    own = _attributes_or_error(path, METADATA)
    copy = _attributes_or_error(path, COPY)
    if isinstance(own, UnknownFormat):
        raise own
    if isinstance(copy, KDError):
        if isinstance(own, KDError):
            raise _both_damaged(path) if isinstance(own, DamagedMetadata) else own
        return own
    if isinstance(own, KDError) or own["provenance"] == copy["provenance"]:
        return copy
    return copy if _has_shards(Store(path, copy)) else own


def _attributes_or_error(path: Path, place: str) -> dict[str, Any] | KDError:
    try:
        return read_attributes(path, place)
    except KDError as error:
        return error


def _has_shards(store: Store) -> bool:
    return any(store.is_whole(shard) for shard in store.layout.shards)


def difference(path: Path, wanted: bytes) -> str | None:
    """What is wrong with the file at `path`, if it does not hold `wanted`."""
    try:
        return None if path.read_bytes() == wanted else "it is not as it was written"
    except FileNotFoundError:
        return "the file is missing"
    except OSError as error:
        return f"the file cannot be read: {error.strerror}"


def _both_damaged(path: Path) -> KDError:
    return KDError(
        f"{path / METADATA} and its second copy {COPY} are both damaged, so it is not known what the store "
        "was made from. The shards beside them are untouched: restore either file from a copy of the store; "
        f"or move {path} away and run kd-pipeline extract-teachers to compute it again."
    )
