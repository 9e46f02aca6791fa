"""zarr-python over our files, a row at a time, as a Dataset's __getitem__ would."""

from pathlib import Path

import numpy as np
import zarr
from jaxtyping import Int64, UInt8

from benchmarks.store.contestants.our_files import OverOurFiles


class ZarrOneByOne(OverOurFiles):
    name = "zarr-python"
    rows_a_gather = 32

    def __init__(self, store: Path, folder: Path, threads: int) -> None:
        self._array = zarr.open_group(store, mode="r")["map"]

    def read(self, row_B: Int64[np.ndarray, " b"]) -> UInt8[np.ndarray, "b k h w"]:
        map_BKHW = np.empty((len(row_B), *self._array.shape[1:]), dtype=np.uint8)
        for position, row in enumerate(row_B.tolist()):
            map_BKHW[position] = self._array[row]
        return map_BKHW
