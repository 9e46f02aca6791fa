"""Random reads for training."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from pipeline.errors import KDError
from pipeline.store.map_arrays import gather, open_array, tensorstore_works_here
from pipeline.store.rows import HeatmapRows, SimCCRows, StoredMaps
from pipeline.store.store import Store, open_store


class StoreReader:
    """Rows of a complete store, in any order.

    A reader may be handed to forked and spawned DataLoader workers alike: maps are opened in the process that
    reads them first. Workers forked after their parent has read maps are slower (`map_arrays` says why), so
    do not read before forking. The small arrays are read whole, once; forked workers share the parent's.

    Args:
        path: a store's folder.

    Raises:
        KDError: no store, damaged metadata, or shards missing.
    """

    def __init__(self, path: Path) -> None:
        self._store = open_store(path)
        self._columns: dict[str, np.ndarray] = {}
        self._maps: dict[str, Any] = {}
        absent = self._store.absent()
        if absent:
            raise KDError(
                f"{path} is not complete: {len(absent)} of {len(self._store.layout.shards)} shards are "
                f"missing, the first with rows {absent[0].start} to {absent[0].stop - 1}. Extraction goes on "
                f"where it stopped: {self._store.remedy}"
            )

    def __len__(self) -> int:
        return self._store.layout.num_crops

    @property
    def path(self) -> Path:
        return self._store.path

    @property
    def attributes(self) -> dict[str, Any]:
        """What the store says of itself; docs/store-format.md lists it."""
        return self._store.attributes

    @property
    def crop_id(self) -> Int64[np.ndarray, " n"]:
        """The crop of every row."""
        return self.column("crop_id")

    def column(self, name: str) -> np.ndarray:
        """All rows of an array that is no map. Treat it as read-only: it is kept.

        Raises:
            KDError: a shard is damaged.
        """
        if name not in self._columns:
            self._columns[name] = self._store.column(name)
        return self._columns[name]

    def load_columns(self) -> None:
        """Read all arrays that `read` needs besides maps, so that workers forked afterwards share them.

        Raises:
            KDError: a shard is damaged.
        """
        for name in (*self._store.layout.scale_names, "confidence", "keypoints", "affine", "crop_id"):
            self.column(name)

    def read(self, rows: Int64[np.ndarray, " b"]) -> StoredMaps:
        """These rows, in this order; a row may come twice.

        Raises:
            KDError: a shard is damaged or has gone.
            IndexError: no such row.
        """
        if len(rows) and not (rows.min() >= 0 and rows.max() < len(self)):
            raise IndexError(f"rows {rows.min()} to {rows.max()} of a store with {len(self)}")
        maps = self._read_maps(rows)
        scales = {f"{name}_BK": self.column(name)[rows] for name in self._store.layout.scale_names}
        if self._store.layout.kind == "heatmap":
            answers = HeatmapRows(map_BKHW=maps["map"], **scales)
        else:
            answers = SimCCRows(x_BKW=maps["map_x"], y_BKW=maps["map_y"], **scales)
        return StoredMaps(
            maps=answers,
            confidence_BK=self.column("confidence")[rows],
            keypoints_BK2=self.column("keypoints")[rows],
            affine_B23=self.column("affine")[rows],
            crop_id_B=self.column("crop_id")[rows],
        )

    def _read_maps(self, rows: Int64[np.ndarray, " b"]) -> dict[str, np.ndarray]:
        if not tensorstore_works_here():
            return {array.name: gather(self._store, array, rows) for array in self._store.layout.maps}
        if not self._maps:
            self._maps = {array.name: open_array(self.path / array.name) for array in self._store.layout.maps}
        try:
            pending = {name: array[rows].read() for name, array in self._maps.items()}
            return {name: future.result() for name, future in pending.items()}
        except ValueError as error:
            raise self._damage(rows, error) from None

    def _damage(self, rows: Int64[np.ndarray, " b"], error: ValueError) -> Exception:
        """Reads shard by shard, which raises an error that names the damaged one; else the `error` itself."""
        for array in self._store.layout.maps:
            gather(self._store, array, rows)
        return error

    def __getstate__(self) -> dict[str, Any]:
        """Only the path and the attributes travel to a spawned process; it reads the rest itself."""
        return {"path": self._store.path, "attributes": self._store.attributes}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._store = Store(state["path"], state["attributes"])
        self._columns, self._maps = {}, {}
