"""Which crops the rows of a cell's unfinished shards are to hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from pipeline.datasets.crop_table import CropTable
from pipeline.geometry.views import PLAIN, draw_view, fingerprint
from pipeline.params import ViewsParams
from pipeline.store.format.layout import Shard
from pipeline.store.format.rows import RowKeys


def wanted_keys(table: CropTable, views: ViewsParams) -> RowKeys:
    """Every crop plain, in the table's order, then every crop in its first view, and so on.

    Row r of the table in view v is key v * len(table) + r.
    """
    numbers = range(1 + views.count)
    prints = [
        fingerprint(
            table.image_sha256[row],
            table.bbox[row],
            draw_view(views, int(table.crop_id[row]), number) if number else PLAIN,
        )
        for number in numbers
        for row in range(len(table))
    ]
    return RowKeys(
        crop_id_B=np.tile(table.crop_id, len(numbers)),
        view_B=np.repeat(np.array(numbers, dtype=np.uint8), len(table)),
        fingerprint_B=np.array(prints, dtype=np.int64),
    )


@dataclass(frozen=True)
class RowPlan:
    """What is left to compute: for each shard, in order, the keys its rows get (positions in the wanted
    keys).

    A shard may get fewer keys than it has rows, where crops were taken out of the table before it was ever
    computed; the rows left over hold no crop. `unplaced_R` are keys for which the store has to grow.
    """

    keys_of: Mapping[Shard, Int64[np.ndarray, " _"]]
    unplaced_R: Int64[np.ndarray, " r"]

    def limited_to(self, shards: Sequence[Shard]) -> "RowPlan":
        """The part of the plan that is about these shards."""
        return RowPlan({shard: self.keys_of[shard] for shard in shards}, self.unplaced_R[:0])

    def with_shards(self, shards: Sequence[Shard]) -> "RowPlan":
        """The unplaced keys spread over these new shards, which have room for exactly them."""
        placed = _spread(self.unplaced_R, shards)
        return RowPlan({**self.keys_of, **placed}, self.unplaced_R[:0])


def plan_rows(wanted: RowKeys, present: set[tuple[int, int, int]], missing: Sequence[Shard]) -> RowPlan:
    """Spread the wanted keys that no finished shard holds over the missing shards, in order.

    So the shards of a killed extraction get the keys they would have had.
    """
    unmet_R = np.array([i for i, key in enumerate(wanted.tuples()) if key not in present], dtype=np.int64)
    room = sum(len(shard) for shard in missing)
    return RowPlan(_spread(unmet_R[:room], missing), unmet_R[room:])


def _spread(key_R: Int64[np.ndarray, " r"], shards: Sequence[Shard]) -> dict[Shard, Int64[np.ndarray, " _"]]:
    ends = np.cumsum([len(shard) for shard in shards], dtype=np.int64)
    return dict(zip(shards, np.split(key_R, ends), strict=False))
