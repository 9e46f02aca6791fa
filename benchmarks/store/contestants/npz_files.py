"""One .npz a crop (deflate), what people do today; opened by as many threads as ours."""

from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8
from numcodecs.zstd import Zstd

from benchmarks.store.contestants.contestant import frames, row_shape
from pipeline.store.read.decode_threads import run_in_portions


class NPZFiles:
    name = "npz"
    rows_a_gather = 256

    def __init__(self, store: Path, folder: Path, threads: int) -> None:
        self._folder = folder
        self._shape = row_shape(store)
        self._threads = threads

    @classmethod
    def write(cls, store: Path, folder: Path) -> None:
        shape, zstd = row_shape(store), Zstd()
        for row, frame in enumerate(frames(store)):
            map_KHW = np.frombuffer(zstd.decode(frame), np.uint8).reshape(shape)
            np.savez_compressed(folder / f"{row}.npz", map=map_KHW)

    @classmethod
    def files(cls, store: Path, folder: Path) -> list[Path]:
        return sorted(folder.glob("*.npz"))

    def read(self, row_B: Int64[np.ndarray, " b"]) -> UInt8[np.ndarray, "b k h w"]:
        map_BKHW = np.empty((len(row_B), *self._shape), dtype=np.uint8)
        run_in_portions(lambda part: self._load(row_B[part], map_BKHW[part]), len(row_B), self._threads)
        return map_BKHW

    def _load(self, row_B: Int64[np.ndarray, " b"], map_BKHW: UInt8[np.ndarray, "b k h w"]) -> None:
        for position, row in enumerate(row_B.tolist()):
            with np.load(self._folder / f"{row}.npz") as file:
                map_BKHW[position] = file["map"]

    def close(self) -> None:
        pass
