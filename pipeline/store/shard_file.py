"""One file of the store, byte by byte: Zarr v3's `sharding_indexed` with chunks `bytes -> zstd -> crc32c`.

    file  = chunk 0, chunk 1, ..., index, crc32c of the index (4 bytes)
    chunk = zstd frame of the little-endian rows, crc32c of the frame (4 bytes)
    index = per slot: offset, length as little-endian uint64; both 2**64 - 1 where the slot is empty

All checksums are little-endian. Written here rather than through zarr-python so that a shard can be
compressed crop by crop while the teacher computes the next ones; the tests read it with zarr-python and
tensorstore.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import google_crc32c
import numpy as np
from jaxtyping import UInt64
from numcodecs import Zstd

CHECKSUM_BYTES = 4
EMPTY_SLOT = np.iinfo(np.uint64).max


class DamagedShard(Exception):
    """A shard file is not as it was written; the message says in what. Callers turn it into a KDError."""


def _with_checksum(data: bytes) -> bytes:
    return data + google_crc32c.value(data).to_bytes(CHECKSUM_BYTES, "little")


def _checksum_holds(data: bytes) -> bool:
    stored = int.from_bytes(data[-CHECKSUM_BYTES:], "little")
    return len(data) > CHECKSUM_BYTES and google_crc32c.value(data[:-CHECKSUM_BYTES]) == stored


def encode_chunk(rows: np.ndarray, zstd_level: int) -> bytes:
    """Rows as one chunk. `rows` must have the chunk's full shape and the array's dtype, any byte order."""
    little = np.ascontiguousarray(rows, dtype=rows.dtype.newbyteorder("<"))
    return _with_checksum(bytes(Zstd(level=zstd_level).encode(little)))


def decode_chunk(chunk: bytes, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Inverse of `encode_chunk`, for a chunk whose checksum was found to hold."""
    rows = bytes(Zstd().decode(chunk[:-CHECKSUM_BYTES]))
    return np.frombuffer(rows, np.dtype(dtype).newbyteorder("<")).reshape(shape).astype(dtype, copy=False)


def encode_index(chunks: Sequence[bytes], slots: int) -> bytes:
    """The end of a shard file that begins with `chunks`, in order and without gaps."""
    index = np.full((slots, 2), EMPTY_SLOT, dtype="<u8")
    lengths = np.array([len(chunk) for chunk in chunks], dtype=np.uint64)
    index[: len(chunks), 0] = np.cumsum(lengths) - lengths
    index[: len(chunks), 1] = lengths
    return _with_checksum(index.tobytes())


def _index_bytes(slots: int) -> int:
    return slots * 16 + CHECKSUM_BYTES


def read_index(file: BinaryIO, slots: int, chunks: int) -> UInt64[np.ndarray, "chunks 2"]:
    """Offsets and lengths of the first `chunks` chunks.

    Raises:
        DamagedShard: the file is too short, the index does not match its checksum, or it does not describe
            exactly this many chunks that fill the file without gaps.
    """
    total = file.seek(0, os.SEEK_END)
    start = total - _index_bytes(slots)
    if start < 0:
        raise DamagedShard(f"it is {total} bytes long, shorter than its own index")
    file.seek(start)
    tail = file.read()
    if not _checksum_holds(tail):
        raise DamagedShard("its index does not match its checksum")
    index = np.frombuffer(tail[:-CHECKSUM_BYTES], "<u8").reshape(slots, 2).astype(np.uint64)
    used, unused = index[:chunks], index[chunks:]
    ends = np.cumsum(used[:, 1])
    contiguous = np.array_equal(used[:, 0], ends - used[:, 1]) and (unused == EMPTY_SLOT).all()
    if not contiguous or int(ends[-1]) != start:
        raise DamagedShard("its index does not fit its length")
    return used


def read_chunks(path: Path, slots: int, chunks: int) -> Iterator[bytes | None]:
    """Every chunk of a shard file, still compressed; None for one that fails its checksum.

    Raises:
        DamagedShard: see `read_index`.
        OSError: the file is missing or cannot be read.
    """
    with path.open("rb") as file:
        index = read_index(file, slots, chunks)
        file.seek(0)
        for length in index[:, 1].tolist():
            chunk = file.read(length)
            yield chunk if _checksum_holds(chunk) else None


def read_some(path: Path, slots: int, chunks: int, wanted: Sequence[int]) -> Iterator[bytes]:
    """The chunks `wanted`, still compressed, in that order.

    Raises:
        DamagedShard: see `read_index`; or a wanted chunk fails its checksum.
        OSError: the file is missing or cannot be read.
    """
    with path.open("rb") as file:
        index = read_index(file, slots, chunks)
        for offset, length in index[list(wanted)].tolist():
            file.seek(offset)
            chunk = file.read(length)
            if not _checksum_holds(chunk):
                raise DamagedShard("its data does not match its checksum")
            yield chunk


def is_whole(path: Path, slots: int, chunks: int) -> bool:
    """Whether the file is there and every checksum in it holds. Decompresses nothing."""
    try:
        return all(chunk is not None for chunk in read_chunks(path, slots, chunks))
    except (OSError, DamagedShard):
        return False
