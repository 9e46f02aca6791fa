"""One file of the store, byte by byte: Zarr v3's `sharding_indexed` with chunks `bytes -> zstd -> crc32c`.

    file  = chunk 0, chunk 1, ..., index, crc32c of the index (4 bytes)
    chunk = zstd frame of the little-endian rows, crc32c of the frame (4 bytes)
    index = per slot: offset, length as little-endian uint64; both 2**64 - 1 where the slot is empty

All checksums are little-endian. Frames and checksums are made by what zarr-python makes them with, so a file
is the one that zarr-python writes, byte for byte. Put together here, because zarr-python takes several times
as long: docs/decisions/zarr-and-numcodecs.md. The tests read it with zarr-python and tensorstore.
"""

from collections.abc import Iterator, Sequence

import google_crc32c
import numpy as np
from jaxtyping import Int64, UInt8
from numcodecs.zstd import Zstd

from pipeline.store.read.remote_path import StorePath

CHECKSUM_BYTES = 4
EMPTY_SLOT = np.iinfo(np.uint64).max
OF_CHECKED = google_crc32c.value(bytes(CHECKSUM_BYTES))
"""crc32c of any bytes followed by their own crc32c."""
FRAMES_AT_ONCE = 32
"""Decoded in one call, because each call makes a decompressor: a fifth of the time that a map takes alone."""
_ZSTD = Zstd()


class DamagedShard(Exception):
    """A shard file is not as it was written; the message says in what. Callers turn it into a KDError."""


def _with_checksum(data: bytes) -> bytes:
    return data + google_crc32c.value(data).to_bytes(CHECKSUM_BYTES, "little")


def checksum_holds(data: bytes) -> bool:
    """Whether a chunk or an index, its checksum at its end, is as it was written."""
    return len(data) > CHECKSUM_BYTES and google_crc32c.value(data) == OF_CHECKED


def encode_chunk(rows: np.ndarray, zstd_level: int) -> bytes:
    """Rows as one chunk. `rows` must have the chunk's full shape and the array's dtype, any byte order."""
    little = np.ascontiguousarray(rows, dtype=rows.dtype.newbyteorder("<"))
    return _with_checksum(Zstd(level=zstd_level).encode(little))


def decode_chunk(chunk: bytes, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Inverse of `encode_chunk`, for a chunk whose checksum was found to hold.

    Raises:
        DamagedShard: it holds something else, as a file copied over from another array does.
    """
    little = np.empty(shape, np.dtype(dtype).newbyteorder("<"))
    if not decode_frames(little.reshape(1, -1).view(np.uint8), [chunk[:-CHECKSUM_BYTES]]):
        raise DamagedShard("its data are not of this array")
    return little.astype(dtype, copy=False)


def decode_into(byte_BN: UInt8[np.ndarray, "b n"], chunks: Sequence[bytes]) -> int:
    """Check each chunk and decode it into its row, little-endian and without a copy.

    How many, in order: it stops at one that fails its checksum or cannot fill its row.
    """
    for start in range(0, len(chunks), FRAMES_AT_ONCE):
        group = slice(start, start + FRAMES_AT_ONCE)
        if not _decode_checked(byte_BN[group], chunks[group]):
            sound = _sound_at_the_start(byte_BN[group], chunks[group])
            if sound < len(chunks[group]):
                return start + sound
    return len(chunks)


def _decode_checked(byte_BN: UInt8[np.ndarray, "b n"], chunks: Sequence[bytes]) -> bool:
    if not all(map(checksum_holds, chunks)):
        return False
    return decode_frames(byte_BN, [chunk[:-CHECKSUM_BYTES] for chunk in chunks])


def _sound_at_the_start(byte_BN: UInt8[np.ndarray, "b n"], chunks: Sequence[bytes]) -> int:
    """How many chunks before the first that does not decode, one by one."""
    for row, chunk in enumerate(chunks):
        if not _decode_checked(byte_BN[row : row + 1], [chunk]):
            return row
    return len(chunks)


def decode_frames(byte_BN: UInt8[np.ndarray, "b n"], frames: Sequence[bytes]) -> bool:
    """Decode all frames, each into its row; False where one is damaged, does not fill its row, or begins with
    another header than the first.

    A frame after another is a longer zstd stream, so numcodecs decodes them in one call. It refuses contents
    that are too long for `out`, but not those that are too short: the headers tell.
    """
    header, length = _header(frames[0])
    if length != byte_BN.shape[1] or not all(frame.startswith(header) for frame in frames):
        return False
    try:
        _ZSTD.decode(b"".join(frames), out=byte_BN)
    except (RuntimeError, ValueError):
        return False
    return True


def _header(frame: bytes) -> tuple[bytes, int]:
    """A frame's header, and how many bytes it says that the frame holds (RFC 8878, 3.1.1.1); 0 where it does
    not."""
    descriptor = frame[4] if len(frame) > 4 else 0
    single_segment = bool(descriptor & 0x20)
    start = 5 if single_segment else 6
    size = (int(single_segment), 2, 4, 8)[descriptor >> 6]
    length = int.from_bytes(frame[start : start + size], "little") + (256 if size == 2 else 0)
    return frame[: start + size], length


def encode_index(chunks: Sequence[bytes], slots: int) -> bytes:
    """The end of a shard file that begins with `chunks`, in order and without gaps."""
    index = np.full((slots, 2), EMPTY_SLOT, dtype="<u8")
    lengths = np.array([len(chunk) for chunk in chunks], dtype=np.uint64)
    index[: len(chunks), 0] = np.cumsum(lengths) - lengths
    index[: len(chunks), 1] = lengths
    return _with_checksum(index.tobytes())


def index_bytes(slots: int) -> int:
    """Length of the index at the end of a shard file, its checksum included."""
    return slots * 16 + CHECKSUM_BYTES


def decode_index(tail: bytes, slots: int, chunks: int) -> Int64[np.ndarray, "chunks 2"]:
    """Offsets and lengths of the first `chunks` chunks, from the last `index_bytes(slots)` bytes of a file.

    Raises:
        DamagedShard: the file is shorter than that, the index does not match its checksum, or it does not
            describe exactly this many chunks without gaps.
    """
    if len(tail) < index_bytes(slots):
        raise DamagedShard(f"it is {len(tail)} bytes long, shorter than its own index")
    if not checksum_holds(tail):
        raise DamagedShard("its index does not match its checksum")
    index = np.frombuffer(tail[:-CHECKSUM_BYTES], "<u8").reshape(slots, 2)
    used, unused = index[:chunks], index[chunks:]
    starts = np.cumsum(used[:, 1]) - used[:, 1]
    if not (np.array_equal(used[:, 0], starts) and (unused == EMPTY_SLOT).all()):
        raise DamagedShard("its index does not fit its length")
    return used.astype(np.int64)


def read_chunks(path: StorePath, slots: int, chunks: int) -> Iterator[bytes | None]:
    """Every chunk of a shard file, still compressed; None for one that fails its checksum.

    Raises:
        DamagedShard: see `decode_index`; or the file has bytes that belong to no chunk.
        OSError: the file is missing or cannot be read.
    """
    data, index = _indexed(path, slots, chunks)
    for offset, length in index.tolist():
        chunk = data[offset : offset + length]
        yield chunk if checksum_holds(chunk) else None


def read_some(path: StorePath, slots: int, chunks: int, wanted: Sequence[int]) -> Iterator[bytes]:
    """The chunks `wanted`, still compressed, in that order. Reads the whole file.

    Raises:
        DamagedShard: see `read_chunks`; or a wanted chunk fails its checksum.
        OSError: the file is missing or cannot be read.
    """
    data, index = _indexed(path, slots, chunks)
    for offset, length in index[list(wanted)].tolist():
        chunk = data[offset : offset + length]
        if not checksum_holds(chunk):
            raise DamagedShard("its data does not match its checksum")
        yield chunk


def _indexed(path: StorePath, slots: int, chunks: int) -> tuple[bytes, Int64[np.ndarray, "chunks 2"]]:
    data = path.read_bytes()
    index = decode_index(data[-index_bytes(slots) :], slots, chunks)
    if index[:, 1].sum() + index_bytes(slots) != len(data):
        raise DamagedShard("its index does not fit its length")
    return data, index
