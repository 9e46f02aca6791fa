"""Our store and reader: everything `read` gives, not the maps alone."""

from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from benchmarks.store.contestants.our_files import OverOurFiles
from pipeline.store.read.reader import StoreReader


class OurReader(OverOurFiles):
    name = "ours"
    rows_a_gather = 256

    def __init__(self, store: Path, folder: Path, threads: int) -> None:
        self._reader = StoreReader(store, threads)
        self._reader.load_columns()

    def read(self, row_B: Int64[np.ndarray, " b"]) -> UInt8[np.ndarray, "b k h w"]:
        return self._reader.read(row_B).maps.map_BKHW
