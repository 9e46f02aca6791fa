"""LMDB with a zstd frame per crop, decoded by the same calls and threads as ours, into the same batch.

Without checksums, which LMDB has none of.
"""

from pathlib import Path

import lmdb
import numpy as np
from jaxtyping import Int64, UInt8

from benchmarks.store.contestants.contestant import frames, row_shape
from pipeline.store.format.shard_file import FRAMES_AT_ONCE, decode_frames
from pipeline.store.read.decode_threads import run_in_portions


class LMDBFrames:
    name = "lmdb"
    rows_a_gather = 256

    def __init__(self, store: Path, folder: Path, threads: int) -> None:
        self._environment = lmdb.open(str(folder), readonly=True, lock=False, readahead=False)
        self._shape = row_shape(store)
        self._threads = threads

    @classmethod
    def write(cls, store: Path, folder: Path) -> None:
        with lmdb.open(str(folder), map_size=1 << 40) as environment:
            with environment.begin(write=True) as transaction:
                for row, frame in enumerate(frames(store)):
                    transaction.put(_key(row), frame, append=True)
            environment.sync(True)

    @classmethod
    def files(cls, store: Path, folder: Path) -> list[Path]:
        return [folder / "data.mdb"]

    def read(self, row_B: Int64[np.ndarray, " b"]) -> UInt8[np.ndarray, "b k h w"]:
        map_BKHW = np.empty((len(row_B), *self._shape), dtype=np.uint8)
        byte_BN = map_BKHW.reshape(len(row_B), -1)
        run_in_portions(lambda part: self._decode(row_B[part], byte_BN[part]), len(row_B), self._threads)
        return map_BKHW

    def _decode(self, row_B: Int64[np.ndarray, " b"], byte_BN: UInt8[np.ndarray, "b n"]) -> None:
        with self._environment.begin() as transaction:
            for start in range(0, len(row_B), FRAMES_AT_ONCE):
                group = slice(start, start + FRAMES_AT_ONCE)
                decode_frames(byte_BN[group], [transaction.get(_key(row)) for row in row_B[group].tolist()])

    def close(self) -> None:
        self._environment.close()


def _key(row: int) -> bytes:
    return row.to_bytes(4, "big")
