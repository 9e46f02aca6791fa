"""HDF5, a chunk per crop, holding the same zstd frames; read row by row into the batch.

One thread: HDF5 lets no second one in.
"""

from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
from jaxtyping import Int64, UInt8

from benchmarks.store.contestants.contestant import frames, row_shape
from pipeline.store.store import open_store


class HDF5Chunks:
    name = "hdf5"
    rows_a_gather = 256

    def __init__(self, store: Path, folder: Path, threads: int) -> None:
        self._file = h5py.File(folder / "maps.h5", "r", rdcc_nbytes=0)
        self._maps = self._file["map"]

    @classmethod
    def write(cls, store: Path, folder: Path) -> None:
        shape = row_shape(store)
        with h5py.File(folder / "maps.h5", "w") as file:
            maps = file.create_dataset(
                "map",
                (open_store(store).layout.num_rows, *shape),
                dtype=np.uint8,
                chunks=(1, *shape),
                **hdf5plugin.Zstd(),
            )
            for row, frame in enumerate(frames(store)):
                maps.id.write_direct_chunk((row, 0, 0, 0), frame)

    @classmethod
    def files(cls, store: Path, folder: Path) -> list[Path]:
        return [folder / "maps.h5"]

    def read(self, row_B: Int64[np.ndarray, " b"]) -> UInt8[np.ndarray, "b k h w"]:
        map_BKHW = np.empty((len(row_B), *self._maps.shape[1:]), dtype=np.uint8)
        for position, row in enumerate(row_B.tolist()):
            self._maps.read_direct(map_BKHW, np.s_[row], np.s_[position])
        return map_BKHW

    def close(self) -> None:
        self._file.close()
