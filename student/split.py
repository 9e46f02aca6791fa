"""One dataset split as training sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64

from pipeline.conventions.relation import Relation
from pipeline.datasets.crop_table import CropTable
from pipeline.errors import KDError
from pipeline.store.reader import StoreReader


@dataclass(frozen=True, eq=False)
class TrainingSplit:
    """A crop table, how its joints stand to the union, and its teachers' stores by name.

    `row_N` are the rows that something supervises: without stores, those with a label only. Boxes around
    crowds are left out.

    Raises:
        KDError: not a single row is left.
    """

    table: CropTable
    relations: Sequence[Relation]
    readers: Mapping[str, StoreReader]
    row_N: Int64[np.ndarray, " n"] = field(init=False)

    def __post_init__(self) -> None:
        usable_N = ~self.table.iscrowd
        if not self.readers:
            usable_N &= self._labelled()
        if not usable_N.any():
            raise KDError(
                f"dataset {self.table.dataset} has {len(self.table)} crops, but no labelled joint that "
                "the student has and no teacher's store, so nothing in it teaches. Take it out of "
                "train.datasets, or give it teachers: add it to cells.datasets, with distill.weight above 0."
            )
        object.__setattr__(self, "row_N", np.flatnonzero(usable_N))

    def __len__(self) -> int:
        return len(self.row_N)

    def _labelled(self) -> np.ndarray:
        sources = [relation.source for relation in self.relations if relation.weight > 0]
        return (self.table.visibility[:, sources] > 0).any(1)
