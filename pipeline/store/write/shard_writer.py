"""Compressing one shard as its rows come."""

from pathlib import Path

import numpy as np

from pipeline.files.durable import write_durably
from pipeline.store.format.layout import ArrayLayout, CellLayout, Shard
from pipeline.store.format.rows import CellRows
from pipeline.store.format.seal import Sealing
from pipeline.store.format.shard_file import encode_chunk, encode_index


class ShardWriter:
    """Takes a shard's rows in order, in portions of any size, and writes its files.

    Maps are compressed as they arrive, so that a shard in the making takes the memory of its compressed bytes
    and the work is spread evenly between the teacher's batches.
    """

    def __init__(self, layout: CellLayout, shard: Shard, zstd_level: int, sealing: Sealing) -> None:
        self.shard = shard
        self._layout = layout
        self._sealing = sealing
        self._level = zstd_level
        self._rows = 0
        self._vacant = 0
        self._map_chunks: dict[str, list[bytes]] = {array.name: [] for array in layout.maps}
        self._columns: dict[str, list[np.ndarray]] = {}

    @property
    def complete(self) -> bool:
        return self._rows + self._vacant == len(self.shard)

    def append(self, rows: CellRows) -> None:
        """Raises ValueError where the shard would get more rows than it has."""
        if self._rows + len(rows) > len(self.shard):
            raise ValueError(f"{self._rows} + {len(rows)} rows for {self.shard}")
        for name, values in rows.arrays().items():
            if name in self._map_chunks:
                chunks = self._map_chunks[name]
                chunks.extend(encode_chunk(values[i : i + 1], self._level) for i in range(len(values)))
            else:
                self._columns.setdefault(name, []).append(values)
        self._rows += len(rows)

    def fill_up(self) -> None:
        """Rows that hold no crop, up to the shard's end."""
        vacant = len(self.shard) - self._rows
        for array in self._layout.maps if vacant else ():
            nothing = np.zeros((1, *array.row_shape), dtype=array.dtype)
            self._map_chunks[array.name] += [encode_chunk(nothing, self._level)] * vacant
        self._vacant = vacant

    def write_drafts(self, folder: Path) -> list[tuple[Path, str]]:
        """Write every file of the shard into `folder`: (draft, place below the store), in publishing order.

        Raises:
            ValueError: rows are missing.
            OSError: the files cannot be written.
        """
        if not self.complete:
            raise ValueError(f"{self._rows} rows for {self.shard}")
        checksums, drafts = {}, []
        for array in self._layout.sealed:
            place, (*chunks, index) = array.file_name(self.shard), self._file(array)
            checksums[array.name] = self._sealing.of_parts(array, self.shard, chunks, index)
            drafts.append((_write(folder, place, [*chunks, index]), place))
        seal = self._layout.seal
        row = [checksums[name] for name in self._layout.seal_order]
        self._columns[seal.name] = [np.array([row] * len(self.shard), dtype=seal.dtype)]
        place = seal.file_name(self.shard)
        return [*drafts, (_write(folder, place, self._file(seal)), place)]

    def _file(self, array: ArrayLayout) -> list[bytes]:
        chunks = self._chunks(array)
        return [*chunks, encode_index(chunks, array.slots)]

    def _chunks(self, array: ArrayLayout) -> list[bytes]:
        if array.name in self._map_chunks:
            return self._map_chunks[array.name]
        chunk = np.full((array.rows_per_chunk, *array.row_shape), array.fill, dtype=array.dtype)
        if columns := self._columns.get(array.name):
            values = np.concatenate(columns)
            chunk[: len(values)] = values
        return [encode_chunk(chunk, self._level)]


def _write(folder: Path, place: str, parts: list[bytes]) -> Path:
    draft = folder / place.replace("/", ".")
    write_durably(draft, parts)
    return draft
