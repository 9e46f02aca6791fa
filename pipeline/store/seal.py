"""Which files make up a shard: a checksum of each.

The checksums inside a shard's file tell that its bytes are as somebody wrote them, not that they belong
here: a file copied over from another shard or store passes. The seal is over the bytes and their place. It is
also the quickest check of a whole shard: one pass over its files, whatever is in them.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import google_crc32c
import numpy as np
from jaxtyping import UInt32

from pipeline.store.layout import ArrayLayout, Shard
from pipeline.store.shard_file import decode_chunk, read_some

_BLOCK = 1 << 20


def checksum(provenance_sha256: str, place: str, parts: Iterable[bytes]) -> int:
    """crc32c of a store's `provenance_sha256`, a space, the file's place below the store, a line feed (all
    ASCII), then the file, given in parts."""
    value = google_crc32c.value(f"{provenance_sha256} {place}\n".encode())
    for part in parts:
        value = google_crc32c.extend(value, part)
    return value


def checksum_of_file(provenance_sha256: str, store: Path, place: str) -> int:
    """`checksum` of what is on disk. Raises OSError where it cannot be read."""
    return checksum(provenance_sha256, place, _blocks(store / place))


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def read_seal(path: Path, array: ArrayLayout, shard: Shard) -> UInt32[np.ndarray, " files"]:
    """Checksums of the shard's other files, by their arrays' names in alphabetical order.

    Raises:
        DamagedShard: the seal itself is damaged.
        OSError: it is missing or cannot be read.
    """
    (chunk,) = read_some(path, array.slots, array.chunks_in(shard), [0])
    return decode_chunk(chunk, array.dtype, (array.rows_per_chunk, *array.row_shape))[0]
