"""Which files make up a shard: a checksum of each.

The checksums inside a shard's file say that its bytes are as they were written, not that they belong
here: a file copied over from another shard or store passes. The seal is over the bytes and their place.

crc32c of data that end in their own crc32c is the same whatever they are. So of a map's file, with its many
chunks, the seal is effectively over the chunks' lengths, which identify a file and can be read from
its index alone; and of the other files, of one chunk, it leaves that chunk's checksum out (version 1 had it
in, so that files of one length passed for each other).
"""

from collections.abc import Sequence
from pathlib import Path

import google_crc32c
import numpy as np
from jaxtyping import Int64, UInt32

from pipeline.store.format.layout import ArrayLayout, Shard
from pipeline.store.format.shard_file import (
    CHECKSUM_BYTES,
    OF_CHECKED,
    DamagedShard,
    decode_chunk,
    encode_index,
    read_some,
)
from pipeline.store.read.remote_path import StorePath

SEAL_VERSION = 2
_BLOCK = 1 << 20


class Sealing:
    """How the files of one store are sealed."""

    def __init__(self, provenance_sha256: str, version: int) -> None:
        self._salt = provenance_sha256
        self._frames = version >= SEAL_VERSION

    def of_parts(self, array: ArrayLayout, shard: Shard, chunks: Sequence[bytes], index: bytes) -> int:
        """The checksum of a file that is made of these."""
        value = self._start(array, shard)
        if self._frame_alone(array):
            return google_crc32c.extend(value, chunks[0][:-CHECKSUM_BYTES])
        for part in (*chunks, index):
            value = google_crc32c.extend(value, part)
        return value

    def of_index(
        self, array: ArrayLayout, shard: Shard, length_C: Int64[np.ndarray, " c"], index: bytes
    ) -> int:
        """The checksum of a map's file with chunks of these lengths, if every one of them is sound."""
        value = self._start(array, shard)
        for length in length_C.tolist():
            value = _extended_by_checked(value, length)
        return google_crc32c.extend(value, index)

    def of_chunk(self, array: ArrayLayout, shard: Shard, chunk: bytes) -> int:
        """The checksum of a file of one chunk."""
        index = b"" if self._frame_alone(array) else encode_index([chunk], array.slots)
        return self.of_parts(array, shard, [chunk], index)

    def of_file(self, array: ArrayLayout, shard: Shard, store: Path) -> int | None:
        """The checksum of what is on disk; None where a checksum inside the file does not hold.

        Raises:
            OSError: it cannot be read.
        """
        path = store / array.file_name(shard)
        if self._frame_alone(array):
            try:
                (chunk,) = read_some(path, array.slots, 1, [0])
            except DamagedShard:
                return None
            return self.of_chunk(array, shard, chunk)
        value = self._start(array, shard)
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                value = google_crc32c.extend(value, block)
        return value

    def _start(self, array: ArrayLayout, shard: Shard) -> int:
        return google_crc32c.value(f"{self._salt} {array.file_name(shard)}\n".encode())

    def _frame_alone(self, array: ArrayLayout) -> bool:
        return self._frames and not array.is_map


def _extended_by_checked(value: int, length: int) -> int:
    """crc32c of what has `value`, followed by any data of this length that end in their own crc32c.

    crc32c(A followed by B) is crc32c(A followed by zeros of B's length), xor crc32c of the zeros alone, xor
    crc32c(B).
    """
    zeros = bytes(length)
    return google_crc32c.extend(value, zeros) ^ google_crc32c.value(zeros) ^ OF_CHECKED


def read_seal(path: StorePath, array: ArrayLayout, shard: Shard) -> UInt32[np.ndarray, " files"]:
    """Checksums of the shard's other files, by their arrays' names in alphabetical order.

    Raises:
        DamagedShard: the seal itself is damaged.
        OSError: it is missing or cannot be read.
    """
    (chunk,) = read_some(path, array.slots, array.chunks_in(shard), [0])
    return decode_chunk(chunk, array.dtype, (array.rows_per_chunk, *array.row_shape))[0]
