"""Random reads for training: rows of maps gathered from their shards, with the small arrays beside them.

Legend: B rows asked for, N bytes of one row, R rows of the store (2: offset and length of its chunk).
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float16, Int64, UInt8

from pipeline.errors import KDError
from pipeline.store.format.layout import ArrayLayout, Shard
from pipeline.store.format.rows import HeatmapRows, SimCCRows, StoredMaps
from pipeline.store.format.shard_bytes import ShardBytes, Span
from pipeline.store.format.shard_file import DamagedShard, decode_index, decode_into, index_bytes
from pipeline.store.read.decode_threads import default_threads, run_in_portions
from pipeline.store.read.local_bytes import LocalBytes
from pipeline.store.read.remote_bytes import RemoteBytes
from pipeline.store.read.remote_path import RemotePath, StorePath, store_path
from pipeline.store.read.row_index import RowIndex
from pipeline.store.store import Store, open_store


class LostShard(Exception):
    """A shard's file, named below the store's root, is missing or damaged. Callers turn it into a KDError."""

    def __init__(self, file: str, shard: Shard) -> None:
        super().__init__(file)
        self.file, self.shard = file, shard


class MapReader:
    """Random rows of an array that has one row to a chunk.

    A shard's index is read and checked, also against its seal, when a row of it is first asked for, and kept:
    16 bytes a row. Nothing else is kept; at random, a chunk is not soon read again.
    """

    def __init__(
        self,
        source: ShardBytes,
        array: ArrayLayout,
        shards: Sequence[Shard],
        belongs: Callable[[Shard, Int64[np.ndarray, " c"], bytes], bool] = lambda *file: True,
    ) -> None:
        """`belongs` says of a shard whether a file with chunks of these lengths and this index is its own."""
        self._source = source
        self._belongs = belongs
        self._array = array
        self._shards = shards
        self._indexed = np.zeros(len(shards), dtype=bool)
        self._place_R2 = np.zeros((shards[-1].stop, 2), dtype=np.int64)

    def read(
        self, row_B: Int64[np.ndarray, " b"], threads: int
    ) -> UInt8[np.ndarray, "b ..."] | Float16[np.ndarray, "b ..."]:
        """These rows, in this order, decoded into one array by so many threads.

        Raises:
            LostShard: missing or damaged.
            IndexError: a row after the end of one extraction and before the first shard of the next.
            KDError: the store cannot be reached.
        """
        spans = self.spans(row_B)
        little = np.dtype(self._array.dtype).newbyteorder("<")
        byte_BN = np.empty((len(row_B), math.prod(self._array.row_shape) * little.itemsize), dtype=np.uint8)
        run_in_portions(lambda part: self._decode(spans[part], byte_BN[part]), len(row_B), threads)
        batch = byte_BN.view(little).reshape(len(row_B), *self._array.row_shape)
        return batch.astype(self._array.dtype, copy=False)

    def spans(self, row_B: Int64[np.ndarray, " b"]) -> list[Span]:
        shard_B = row_B // self._array.shard_size
        wanted = {index: self._shards[index] for index in np.unique(shard_B).tolist()}
        self._learn_places([shard for index, shard in wanted.items() if not self._indexed[index]])
        place_B2 = self._place_R2[row_B]
        if not place_B2[:, 1].all():
            raise IndexError(f"row {row_B[place_B2[:, 1] == 0][0]} holds no crop")
        names = {index: self._array.file_name(shard) for index, shard in wanted.items()}
        files = [names[index] for index in shard_B.tolist()]
        return list(zip(files, *place_B2.T.tolist(), strict=True))

    def _learn_places(self, shards: Sequence[Shard]) -> None:
        """Read the indexes of these shards."""
        files = [self._array.file_name(shard) for shard in shards]
        tails = self._source.read_ends(files, index_bytes(self._array.slots))
        for shard, file, tail in zip(shards, files, tails, strict=True):
            try:
                place_R2 = decode_index(tail, self._array.slots, self._array.chunks_in(shard))
            except DamagedShard:
                raise LostShard(file, shard) from None
            if not self._belongs(shard, place_R2[:, 1], tail):
                raise LostShard(file, shard)
            self._place_R2[shard.start : shard.stop] = place_R2
            self._indexed[shard.index] = True

    def _decode(self, spans: Sequence[Span], byte_BN: UInt8[np.ndarray, "b n"]) -> None:
        done = decode_into(byte_BN, self._source.read(spans))
        if done < len(spans):
            file, _, _ = spans[done]
            raise LostShard(file, next(s for s in self._shards if self._array.file_name(s) == file))


def _belongs(
    store: Store, array: ArrayLayout, shard: Shard, length_C: Int64[np.ndarray, " c"], index: bytes
) -> bool:
    """Whether a map's file with this index is the one that the shard's seal names."""
    return store.sealing.of_index(array, shard, length_C, index) == store.sealed_value(array, shard)


class StoreReader:
    """Rows of a complete store, in any order.

    A reader may be handed to forked and spawned DataLoader workers alike, also when it has been read from
    before: no thread, lock or position in a file is shared with the parent. The small arrays are read whole,
    once; forked workers share the parent's.

    Args:
        place: a store's folder, or its address: s3://, gs://, https:// and whatever else fsspec reads.
        threads: that decode maps; None: one in a DataLoader's worker, elsewhere one to a core, up to four.

    Raises:
        KDError: no store, damaged metadata, shards missing, or a server that cannot be reached.
    """

    def __init__(self, place: Path | str, threads: int | None = None) -> None:
        self._attach(open_store(store_path(place)), threads)
        self._check_complete()

    def _attach(self, store: Store, threads: int | None) -> None:
        self._store, self._threads = store, threads
        source = RemoteBytes(store.path) if isinstance(store.path, RemotePath) else LocalBytes(store.path)
        self._maps = {
            array.name: MapReader(source, array, store.layout.shards, partial(_belongs, store, array))
            for array in store.layout.maps
        }
        self._columns: dict[str, np.ndarray] = {}

    def _check_complete(self) -> None:
        """A server is not asked for every file: extraction adds `fidelity` when it is done."""
        if isinstance(self.path, RemotePath):
            if "fidelity" not in self.attributes:
                raise KDError(
                    f"{self.path} was copied there before it was complete. Complete it where it was made: "
                    f"{self._store.remedy}; then copy it again."
                )
            return
        absent = self._store.absent()
        if absent:
            raise KDError(
                f"{self.path} is not complete: {len(absent)} of {len(self._store.layout.shards)} shards are "
                f"missing, the first with rows {absent[0].start} to {absent[0].stop - 1}. Extraction resumes "
                f"where it stopped: {self._store.remedy}"
            )

    def __len__(self) -> int:
        return self._store.layout.num_rows

    @property
    def path(self) -> StorePath:
        return self._store.path

    @property
    def attributes(self) -> dict[str, Any]:
        """What the store says of itself; docs/store-format.md lists it."""
        return self._store.attributes

    @property
    def crop_id(self) -> Int64[np.ndarray, " n"]:
        """The crop of every row."""
        return self.column("crop_id")

    @property
    def views(self) -> int:
        """How many views of every crop it was made to hold, besides the plain one."""
        return self.attributes["views"]["count"]

    def rows_of(
        self, crop_id_M: Int64[np.ndarray, " m"], fingerprint_M: Int64[np.ndarray, " m"], view: int
    ) -> Int64[np.ndarray, " m"]:
        """The row of each of these crops in one of its views (0: the plain crop); -1 where it has none.

        Raises:
            KDError: a shard is damaged.
        """
        return self._index.rows_of(crop_id_M, fingerprint_M, view)

    @cached_property
    def _index(self) -> RowIndex:
        return RowIndex(*(self.column(name) for name in ("crop_id", "view", "fingerprint")))

    def column(self, name: str) -> np.ndarray:
        """All rows of an array that is no map. Treat it as read-only: it is kept.

        Raises:
            KDError: a shard is damaged.
        """
        if name not in self._columns:
            self._columns[name] = self._store.column(name)
        return self._columns[name]

    def load_columns(self) -> None:
        """Read all arrays that `read` needs besides maps, so that workers forked afterwards share them.

        Raises:
            KDError: a shard is damaged.
        """
        names = (*self._store.layout.scale_names, "confidence", "keypoints", "affine", "crop_id")
        missing = [name for name in names if name not in self._columns]
        if missing:
            self._store.read_seals()  # once, before threads ask for them side by side
            with ThreadPoolExecutor(len(missing)) as pool:  # a server answers them in the time of one
                self._columns.update(zip(missing, pool.map(self._store.column, missing), strict=True))

    def read(self, rows: Int64[np.ndarray, " b"]) -> StoredMaps:
        """These rows, in this order; a row may come twice.

        Raises:
            KDError: a shard is damaged or has gone.
            IndexError: no such row.
        """
        if len(rows) and not (rows.min() >= 0 and rows.max() < len(self)):
            raise IndexError(f"rows {rows.min()} to {rows.max()} of a store with {len(self)}")
        self.load_columns()
        maps = self._read_maps(rows)
        scales = {f"{name}_BK": self._columns[name][rows] for name in self._store.layout.scale_names}
        if self._store.layout.kind == "heatmap":
            answers = HeatmapRows(map_BKHW=maps["map"], **scales)
        else:
            answers = SimCCRows(x_BKW=maps["map_x"], y_BKW=maps["map_y"], **scales)
        return StoredMaps(
            maps=answers,
            confidence_BK=self._columns["confidence"][rows],
            keypoints_BK2=self._columns["keypoints"][rows],
            affine_B23=self._columns["affine"][rows],
            crop_id_B=self._columns["crop_id"][rows],
        )

    def _read_maps(self, rows: Int64[np.ndarray, " b"]) -> dict[str, np.ndarray]:
        threads = self._threads or default_threads()
        maps = {}
        for name, reader in self._maps.items():
            try:
                maps[name] = reader.read(rows, threads)
            except LostShard as lost:
                raise self._store.damage_error(self._store.path / lost.file, lost.shard) from None
        return maps

    def __getstate__(self) -> dict[str, Any]:
        """Only the path and the attributes travel to a spawned process; it reads the rest itself."""
        return {"path": self._store.path, "attributes": self._store.attributes, "threads": self._threads}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._attach(Store(state["path"], state["attributes"]), state["threads"])
