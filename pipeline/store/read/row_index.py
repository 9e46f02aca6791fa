"""Finding a crop's row in a store."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8


class RowIndex:
    """Rows by what they are of: crop, view and fingerprint (docs/store-format.md).

    Where the rows have a key twice, the last row has it; rows without a crop (id -1) have none.

    Args:
        crop_id_N, view_N, fingerprint_N: the store's columns of these names.
    """

    def __init__(
        self,
        crop_id_N: Int64[np.ndarray, " n"],
        view_N: UInt8[np.ndarray, " n"],
        fingerprint_N: Int64[np.ndarray, " n"],
    ) -> None:
        self._views: dict[int, _ViewRows] = {}
        for view in np.unique(view_N[crop_id_N >= 0]).tolist():
            row_R = np.flatnonzero((view_N == view) & (crop_id_N >= 0))
            row_R = row_R[np.argsort(crop_id_N[row_R], kind="stable")]
            self._views[view] = _ViewRows(crop_id_N[row_R], fingerprint_N[row_R], row_R)

    def rows_of(
        self, crop_id_M: Int64[np.ndarray, " m"], fingerprint_M: Int64[np.ndarray, " m"], view: int
    ) -> Int64[np.ndarray, " m"]:
        """The row of each of these crops in one of its views (0: the plain crop), -1 where there is none."""
        if view not in self._views:
            return np.full(len(crop_id_M), -1, dtype=np.int64)
        return self._views[view].rows_of(crop_id_M, fingerprint_M)


@dataclass(frozen=True)
class _ViewRows:
    """Rows of one view, ordered by crop id; those of one crop in the order of the store."""

    crop_id_R: Int64[np.ndarray, " r"]
    fingerprint_R: Int64[np.ndarray, " r"]
    row_R: Int64[np.ndarray, " r"]

    def rows_of(
        self, crop_id_M: Int64[np.ndarray, " m"], fingerprint_M: Int64[np.ndarray, " m"]
    ) -> Int64[np.ndarray, " m"]:
        """A crop has as many rows as times it changed: few enough to look at one after another."""
        first_M = np.searchsorted(self.crop_id_R, crop_id_M, side="left")
        stop_M = np.searchsorted(self.crop_id_R, crop_id_M, side="right")
        found_M = np.full(len(crop_id_M), -1, dtype=np.int64)
        for step in range((stop_M - first_M).max(initial=0)):
            place_M = np.minimum(first_M + step, len(self.row_R) - 1)
            hit_M = (first_M + step < stop_M) & (self.fingerprint_R[place_M] == fingerprint_M)
            found_M[hit_M] = self.row_R[place_M[hit_M]]
        return found_M
