"""A cell on disk."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import KDError
from pipeline.store.cell import checked_attributes, layout_of
from pipeline.store.layout import ArrayLayout, Shard
from pipeline.store.provenance import CellProvenance, stale_error
from pipeline.store.shard_file import DamagedShard, decode_chunk, is_whole, read_chunks

METADATA = "zarr.json"


class Store:
    """One teacher's answers for one dataset split, a row per person crop.

    A shard is whole or missing: its files are written under temporary names and renamed, the maps' last, so a
    killed run loses at most the shard in flight, and `missing()` is all a resume needs to know.
    Opened by `open_store`; `pipeline.store.writer` makes and fills one.
    """

    def __init__(self, path: Path, attributes: dict[str, Any]) -> None:
        self.path = path
        self.attributes = attributes
        self.layout = layout_of(attributes)

    @property
    def provenance(self) -> CellProvenance:
        return CellProvenance(self.attributes["provenance"])

    @property
    def remedy(self) -> str:
        """The command that computes what is missing or damaged, and only that."""
        names = self.attributes
        return f"kd-pipeline extract-teachers --teacher {names['teacher']} --dataset {names['dataset']}"

    def is_whole(self, shard: Shard) -> bool:
        """Whether every file of the shard is there and every checksum in them holds."""
        return all(self.is_whole_file(array, shard) for array in self.layout.arrays)

    def is_whole_file(self, array: ArrayLayout, shard: Shard) -> bool:
        return is_whole(self.file(array, shard), array.slots, array.chunks_in(shard))

    def missing(self) -> list[Shard]:
        """Shards still to be computed: absent, or damaged. Reads the whole store, decompresses nothing."""
        return [shard for shard in self.layout.shards if not self.is_whole(shard)]

    def is_there(self, shard: Shard) -> bool:
        """Whether every file of the shard is there. Looks at names only."""
        return all(self.file(array, shard).is_file() for array in self.layout.arrays)

    def absent(self) -> list[Shard]:
        """Shards that are not all there; a quick look, where `missing` is a thorough one."""
        return [shard for shard in self.layout.shards if not self.is_there(shard)]

    def file(self, array: ArrayLayout, shard: Shard) -> Path:
        return self.path / array.file_name(shard)

    def column(self, name: str) -> np.ndarray:
        """All rows of one of the arrays that are not maps.

        Raises:
            KDError: a shard is missing or damaged.
        """
        array = next(array for array in self.layout.arrays if array.name == name)
        rows = np.empty((array.num_rows, *array.row_shape), dtype=array.dtype)
        chunk_shape = (array.rows_per_chunk, *array.row_shape)
        for shard in self.layout.shards:
            path = self.file(array, shard)
            try:
                (chunk,) = read_chunks(path, array.slots, 1)
            except (OSError, DamagedShard):
                chunk = None
            if chunk is None:
                raise self.damage_error(path, shard)
            rows[shard.start : shard.stop] = decode_chunk(chunk, array.dtype, chunk_shape)[: len(shard)]
        return rows

    def damage_error(self, path: Path, shard: Shard) -> KDError:
        return KDError(
            f"{path} (rows {shard.start} to {shard.stop - 1}) is missing or damaged. "
            f"Compute that shard again, the others are kept: {self.remedy}"
        )


def open_store(path: Path, expected: CellProvenance | None = None) -> Store:
    """The cell in the folder `path`, complete or not.

    Raises:
        KDError: no store, metadata missing or damaged, another format, or its provenance is not `expected`.
    """
    store = Store(path, read_attributes(path))
    _check_arrays(store)
    if expected is not None and store.provenance != expected:
        names = store.attributes
        raise stale_error(path, store.provenance, expected, names["teacher"], names["dataset"])
    return store


def read_attributes(path: Path) -> dict[str, Any]:
    """The group's attributes, checked against their hash.

    Raises:
        KDError: see `open_store`.
    """
    if not path.exists():
        raise KDError(f"there is no store {path}. Make it: kd-pipeline extract-teachers")
    return checked_attributes(path, _read_json(path, path / METADATA))


def _check_arrays(store: Store) -> None:
    """Zarr reads what the arrays' metadata says, so it must say what was written."""
    level = store.attributes["codec"]["zstd_level"]
    for array in store.layout.arrays:
        place = store.path / array.name / METADATA
        if _read_json(store.path, place) != array.metadata(level):
            raise _metadata_error(store.path, place, "is not as it was written")


def _read_json(store: Path, path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise _metadata_error(store, path, "is missing") from None
    except OSError as error:
        raise _metadata_error(store, path, f"cannot be read: {error.strerror}") from None
    except ValueError:
        raise _metadata_error(store, path, "is no JSON, so it was damaged") from None


def _metadata_error(store: Path, path: Path, what: str) -> KDError:
    return KDError(
        f"{path} {what}. The shards beside it are untouched: restore this one file from a copy of the store; "
        f"or move {store} away and run kd-pipeline extract-teachers to compute it again."
    )
