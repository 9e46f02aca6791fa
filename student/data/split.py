"""One dataset split as training sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from pipeline.conventions.registry import load_convention
from pipeline.conventions.relation import Relation
from pipeline.conventions.union import UnionSkeleton
from pipeline.datasets.crop_table import CropTable
from pipeline.errors import KDError
from pipeline.geometry.views import View
from pipeline.params import ViewsParams
from pipeline.store.read.reader import StoreReader
from student.data.crop_views import CropViews


@dataclass(frozen=True, eq=False)
class TrainingSplit:
    """A crop table, how its joints stand to the union, its teachers' stores by name, and the views that
    teachers were asked for.

    `row_N` are the rows that something supervises: without stores, those with a label only. Boxes around
    crowds are left out. `num_views` is how many views of a crop, besides the plain one, some store has.

    Raises:
        KDError: not a single row is left, or a store lacks one of them.
    """

    table: CropTable
    relations: Sequence[Relation]
    readers: Mapping[str, StoreReader]
    views: ViewsParams = ViewsParams()
    domain: str = ""
    """What is known of teachers holds for all splits of a domain; empty: one of its own."""
    row_N: Int64[np.ndarray, " n"] = field(init=False)
    num_views: int = field(init=False)
    _crops: CropViews = field(init=False, repr=False)
    _plain: Mapping[str, Int64[np.ndarray, " t"]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        usable_N = ~self.table.iscrowd
        if not usable_N.any():
            raise KDError(
                f"all {len(self.table)} boxes of dataset {self.table.dataset} are around crowds (iscrowd is "
                "1), which teach nothing: a crop has to be of one person. Take the dataset out of "
                "train.datasets, or set iscrowd to 0 in its annotations where a box is around one person."
            )
        if not self.readers:
            usable_N &= self._labelled()
        if not usable_N.any():
            raise KDError(
                f"dataset {self.table.dataset} has {len(self.table)} crops, but no labelled joint that "
                "the student has and no teacher's store, so nothing in it teaches. Take it out of "
                "train.datasets, or give it teachers: add it to cells.datasets (and to the teacher's own "
                "datasets, where it has such a list), with distill.weight and the teacher's weight "
                "(distill.teachers) above 0."
            )
        object.__setattr__(self, "domain", self.domain or self.table.dataset)
        stored = max((reader.views for reader in self.readers.values()), default=0)
        object.__setattr__(self, "row_N", np.flatnonzero(usable_N))
        object.__setattr__(self, "num_views", min(self.views.count, stored))
        object.__setattr__(self, "_crops", CropViews(self.table, self.views))
        object.__setattr__(self, "_plain", {name: self._plain_rows(name) for name in self.readers})

    def __len__(self) -> int:
        return len(self.row_N)

    def view(self, row: int, number: int) -> View:
        """How stored view `number` of a row of the table is seen."""
        return self._crops.view(row, number)

    def store_rows(
        self, teacher: str, row_A: Int64[np.ndarray, " a"], view_A: Int64[np.ndarray, " a"]
    ) -> Int64[np.ndarray, " a"]:
        """The rows of the teacher's store that answer best for these rows of the table: those of the stored
        view that was drawn (0: none was), where the teacher has it, else those of the plain crop."""
        store_row_A = self._plain[teacher][row_A]
        for number in np.unique(view_A[view_A > 0]).tolist():
            drawn_A = view_A == number
            found = self._crops.store_rows(self.readers[teacher], row_A[drawn_A], number)
            store_row_A[drawn_A] = np.where(found >= 0, found, store_row_A[drawn_A])
        return store_row_A

    def _plain_rows(self, teacher: str) -> Int64[np.ndarray, " t"]:
        """By row of the table; -1 for those that are left out."""
        plain_T = np.full(len(self.table), -1, dtype=np.int64)
        plain_T[self.row_N] = self._crops.plain_store_rows(self.readers[teacher], teacher, self.row_N)
        return plain_T

    def _labelled(self) -> np.ndarray:
        sources = [relation.source for relation in self.relations if relation.weight > 0]
        return (self.table.visibility[:, sources] > 0).any(1)


def relations_of(table: CropTable, skeleton: UnionSkeleton, root: Path) -> tuple[Relation, ...]:
    """How the table's joints stand to the union's: none do where it has no convention. Conventions' files
    are relative to `root`."""
    return skeleton.relations_of(load_convention(table.convention, root)) if table.convention else ()
