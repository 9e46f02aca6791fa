"""What a way to keep maps must be able to do to be compared.

Legend: B rows asked for, K joints, H, W map rows and columns, N bytes of one row's map.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from jaxtyping import Int64, UInt8

from pipeline.store.format.shard_file import CHECKSUM_BYTES, read_chunks
from pipeline.store.store import open_store


class Contestant(Protocol):
    """Keeps the heatmaps of `store`, a cell of ours, in `folder`, and reads them from there.

    `rows_a_gather` is how many of the 256 rows of a gather are read by one that is slow.
    """

    name: ClassVar[str]
    rows_a_gather: ClassVar[int]

    def __init__(self, store: Path, folder: Path, threads: int) -> None: ...

    @classmethod
    def write(cls, store: Path, folder: Path) -> None: ...

    @classmethod
    def files(cls, store: Path, folder: Path) -> list[Path]:
        """Those that hold maps."""
        ...

    def read(self, row_B: Int64[np.ndarray, " b"]) -> UInt8[np.ndarray, "b k h w"]: ...

    def close(self) -> None: ...


def row_shape(store: Path) -> tuple[int, ...]:
    (array,) = open_store(store).layout.maps
    return array.row_shape


def frames(store: Path) -> Iterator[bytes]:
    """The zstd frame of every row's map, in order, as the store has it."""
    opened = open_store(store)
    (array,) = opened.layout.maps
    for shard in opened.layout.shards:
        for chunk in read_chunks(opened.file(array, shard), array.slots, array.chunks_in(shard)):
            yield chunk[:-CHECKSUM_BYTES]
