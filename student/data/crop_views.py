"""The crops of a table as their stores know them: by id, view and fingerprint.

Legend: A rows of the table that are asked for.
"""

import numpy as np
from jaxtyping import Int64

from pipeline.datasets.crop_table import CropTable
from pipeline.errors import KDError
from pipeline.geometry.views import View, draw_view, fingerprint
from pipeline.params import ViewsParams
from pipeline.store.read.reader import StoreReader


class CropViews:
    """Every crop of one table, plain and in the views that `params` draws."""

    def __init__(self, table: CropTable, params: ViewsParams) -> None:
        self._table = table
        self._params = params
        # One array: handing out entries of a list would copy a forked worker's pages, a little per crop.
        self._image_sha256_N = np.array(table.image_sha256, dtype="S64")

    def view(self, row: int, number: int) -> View:
        """How view `number` (0: plain) of a row of the table is seen."""
        return draw_view(self._params, int(self._table.crop_id[row]), number)

    def store_rows(
        self, reader: StoreReader, row_A: Int64[np.ndarray, " a"], number: int
    ) -> Int64[np.ndarray, " a"]:
        """The rows of a store with its teacher's answers to view `number` of these crops; -1 where it has
        none for the crop as it is now."""
        fingerprints = [self._fingerprint(row, number) for row in row_A.tolist()]
        return reader.rows_of(self._table.crop_id[row_A], np.array(fingerprints, dtype=np.int64), number)

    def plain_store_rows(
        self, reader: StoreReader, teacher: str, row_A: Int64[np.ndarray, " a"]
    ) -> Int64[np.ndarray, " a"]:
        """The same for the plain crops, which every store must have.

        Raises:
            KDError: it lacks some.
        """
        store_row_A = self.store_rows(reader, row_A, 0)
        lacking = np.count_nonzero(store_row_A < 0)
        if lacking:
            dataset = self._table.dataset
            raise KDError(
                f"the store of {teacher} for {dataset} lacks {lacking} of {len(row_A)} crops: they were "
                "added or changed since it was extracted. Append them, rows that are there are kept: "
                f"kd-pipeline extract-teachers --teacher {teacher} --dataset {dataset}"
            )
        return store_row_A

    def _fingerprint(self, row: int, number: int) -> int:
        image_sha256 = self._image_sha256_N[row].decode()
        return fingerprint(image_sha256, self._table.bbox[row], self.view(row, number))
