"""tensorstore over our files: one gather a batch, without a cache."""

from pathlib import Path

import numpy as np
import tensorstore
from jaxtyping import Int64, UInt8

from benchmarks.store.contestants.our_files import OverOurFiles


class TensorstoreGather(OverOurFiles):
    name = "tensorstore"
    rows_a_gather = 256

    def __init__(self, store: Path, folder: Path, threads: int) -> None:
        spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(store / "map")}}
        context = tensorstore.Context({"data_copy_concurrency": {"limit": threads}})
        opened = {"recheck_cached_metadata": "open", "recheck_cached_data": "open"}
        self._array = tensorstore.open(spec | opened, read=True, context=context).result()

    def read(self, row_B: Int64[np.ndarray, " b"]) -> UInt8[np.ndarray, "b k h w"]:
        return self._array[row_B].read().result()
