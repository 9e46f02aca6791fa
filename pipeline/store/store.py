"""A cell on disk."""

import json
import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import UInt32

from pipeline.errors import KDError
from pipeline.store.format.cell import DamagedMetadata, checked_attributes, layout_of
from pipeline.store.format.layout import NO_CROP, ArrayLayout, Shard
from pipeline.store.format.provenance import CellProvenance, stale_error
from pipeline.store.format.rows import RowKeys
from pipeline.store.format.seal import Sealing, read_seal
from pipeline.store.format.shard_file import DamagedShard, decode_chunk, read_some
from pipeline.store.format.zarr_json import array_json
from pipeline.store.read.remote_path import RemotePath, StorePath

METADATA = "zarr.json"


class Store:
    """One teacher's answers for one dataset split, a row per person crop (and view of it).

    A shard is whole or missing: its files are written under temporary names and renamed, the seal last, so a
    killed run loses at most the shard in flight, and `missing()` is all a resume needs to know.
    Opened by `open_store`; `pipeline.store.write.writer` makes and fills one.
    """

    def __init__(self, path: StorePath, attributes: dict[str, Any]) -> None:
        self.path = path
        self.attributes = attributes
        self.layout = layout_of(attributes)
        self.sealing = Sealing(attributes["provenance_sha256"], attributes.get("seal_version", 1))
        self._seals: dict[int, UInt32[np.ndarray, " files"]] = {}

    @property
    def provenance(self) -> CellProvenance:
        return CellProvenance(self.attributes["provenance"])

    @property
    def remedy(self) -> str:
        """The command that computes what is missing or damaged, and only that."""
        names = self.attributes
        return f"kd-pipeline extract-teachers --teacher {names['teacher']} --dataset {names['dataset']}"

    def is_whole(self, shard: Shard) -> bool:
        """Whether every file of the shard is there and is the one that its seal names."""
        try:
            seal = self.seal_of(shard)
            return all(self.is_sealed(array, shard, seal) for array in self.layout.sealed)
        except (OSError, DamagedShard):
            return False

    def seal_of(self, shard: Shard) -> UInt32[np.ndarray, " files"]:
        """Raises DamagedShard or OSError where the seal cannot be read."""
        return read_seal(self.file(self.layout.seal, shard), self.layout.seal, shard)

    def is_sealed(self, array: ArrayLayout, shard: Shard, seal: UInt32[np.ndarray, " files"]) -> bool:
        """Whether this file of the shard is the one `seal` names. Raises OSError where it cannot be read."""
        stored = self.sealing.of_file(array, shard, self.path)
        return stored == int(seal[self.layout.seal_order.index(array.name)])

    def read_seals(self) -> None:
        """Of all shards, and keep them.

        Raises:
            KDError: a seal is missing or damaged.
        """
        for shard in self.layout.shards:
            self._kept_seal(shard)

    def sealed_value(self, array: ArrayLayout, shard: Shard) -> int:
        """What the shard's seal, read once, says of its file of this array.

        Raises:
            KDError: the seal is missing or damaged.
        """
        return int(self._kept_seal(shard)[self.layout.seal_order.index(array.name)])

    def _kept_seal(self, shard: Shard) -> UInt32[np.ndarray, " files"]:
        if shard.index not in self._seals:
            try:
                self._seals[shard.index] = self.seal_of(shard)
            except (OSError, DamagedShard):
                raise self.damage_error(self.file(self.layout.seal, shard), shard) from None
        return self._seals[shard.index]

    def missing(self) -> list[Shard]:
        """Shards still to be computed: absent, or damaged. Reads the whole store, decompresses nothing."""
        return [shard for shard in self.layout.shards if not self.is_whole(shard)]

    def was_there(self, shard: Shard) -> bool:
        """Whether something of the shard is there, or the cell was complete once (and so has a fidelity)."""
        return "fidelity" in self.attributes or not self.is_bare(shard)

    def is_bare(self, shard: Shard) -> bool:
        """Whether no file of the shard is there. Looks at names only."""
        return not any(os.path.exists(self.file(array, shard)) for array in self.layout.arrays)

    def is_there(self, shard: Shard) -> bool:
        """Whether every file of the shard is there. Looks at names only."""
        return all(os.path.isfile(self.file(array, shard)) for array in self.layout.arrays)

    def absent(self) -> list[Shard]:
        """Shards that are not all there; a quick look, where `missing` is a thorough one."""
        return [shard for shard in self.layout.shards if not self.is_there(shard)]

    def file(self, array: ArrayLayout, shard: Shard) -> StorePath:
        return self.path / array.file_name(shard)

    def column(self, name: str) -> np.ndarray:
        """All rows of one of the arrays that are not maps.

        Raises:
            KDError: a shard is missing or damaged.
        """
        array = next(array for array in self.layout.arrays if array.name == name)
        rows = np.full((array.num_rows, *array.row_shape), array.fill, dtype=array.dtype)
        for shard in self.layout.shards:
            rows[shard.start : shard.stop] = self._column_of(array, shard)
        return rows

    def keys_of(self, shards: Iterable[Shard]) -> set[tuple[int, int, int]]:
        """Crop id, view and fingerprint of every row of these shards that holds a crop.

        Raises:
            KDError: one of them is missing or damaged.
        """
        keys: set[tuple[int, int, int]] = set()
        for shard in shards:
            crop_id_B, view_B, fingerprint_B = (self._column_of(array, shard) for array in self.layout.keys)
            taken_B = crop_id_B != NO_CROP
            keys.update(RowKeys(crop_id_B, view_B, fingerprint_B)[np.flatnonzero(taken_B)].tuples())
        return keys

    def _column_of(self, array: ArrayLayout, shard: Shard) -> np.ndarray:
        path = self.file(array, shard)
        try:
            (chunk,) = read_some(path, array.slots, 1, [0])
            values = decode_chunk(chunk, array.dtype, (array.rows_per_chunk, *array.row_shape))
        except (OSError, DamagedShard):
            raise self.damage_error(path, shard) from None
        sealed = array.name != self.layout.seal.name
        if sealed and self.sealing.of_chunk(array, shard, chunk) != self.sealed_value(array, shard):
            raise self.damage_error(path, shard)
        return values[: len(shard)]

    def damage_error(self, path: StorePath, shard: Shard) -> KDError:
        again = f"Compute that shard again, the others are kept: {self.remedy}"
        if isinstance(path, RemotePath):
            again = f"Copy it again from where the store was made; if it is damaged there too: {again}"
        return KDError(f"{path} (rows {shard.start} to {shard.stop - 1}) is missing or damaged. {again}")


def open_store(path: StorePath, expected: CellProvenance | None = None) -> Store:
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


def read_attributes(path: StorePath, place: str = METADATA) -> dict[str, Any]:
    """The group's attributes as the file at `place` below the store has them, checked against their hash.

    Raises:
        KDError: see `open_store`.
    """
    return checked_attributes(path, path / place, _read_json(path, path / place))


def _check_arrays(store: Store) -> None:
    """Zarr reads what the arrays' metadata says, so it must say what was written."""
    level = store.attributes["codec"]["zstd_level"]
    for array in store.layout.arrays:
        place = store.path / array.name / METADATA
        if not _fits(_read_json(store.path, place), array_json(array, level)):
            raise DamagedMetadata(store.path, place, "is not as it was written")


def _fits(found: Any, wanted: dict[str, Any]) -> bool:
    """Equal but for a greater length, which a writer killed while it made the store longer leaves."""
    if not isinstance(found, dict) or not isinstance(found.get("shape"), list) or not found["shape"]:
        return False
    length = found["shape"][0]
    longer = isinstance(length, int) and length >= wanted["shape"][0]
    return longer and found | {"shape": [wanted["shape"][0], *found["shape"][1:]]} == wanted


def _read_json(store: StorePath, path: StorePath) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        if not store.is_dir():
            raise KDError(f"there is no store {store}. Make it: kd-pipeline extract-teachers") from None
        raise DamagedMetadata(store, path, "is missing") from None
    except NotADirectoryError:
        raise KDError(
            f"{store} is a file, but a store is a folder like stores/TEACHER/DATASET.zarr. Name one: "
            "kd-pipeline store ls lists them."
        ) from None
    except IsADirectoryError:
        raise DamagedMetadata(store, path, "is a folder, but a file was wanted") from None
    except OSError as error:
        raise KDError(
            f"{path} cannot be read: {error.strerror}. Make it readable for this user, and the folders above "
            "it, then run the same command again."
        ) from None
    except (ValueError, RecursionError):
        raise DamagedMetadata(store, path, "is no JSON, so it was damaged") from None
