"""Crops of a dataset as a teacher takes them.

Legend: B crops, H, W crop rows and columns, R rows of a shard.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int64, UInt8
from torch.utils.data import Dataset

from pipeline.datasets.crop_table import CropTable
from pipeline.datasets.indexed_images import IndexedImages
from pipeline.errors import KDError
from pipeline.extraction.teacher_rows import CropRequest
from pipeline.geometry import CropGeometry, warp_crop
from pipeline.geometry.views import View, draw_view, view_affine
from pipeline.params import ViewsParams
from pipeline.store.format.layout import Shard
from pipeline.store.format.rows import RowKeys
from pipeline.store.write.row_plan import wanted_keys

_PLAIN_ONLY = ViewsParams(count=0)


@dataclass(frozen=True)
class BatchPlan:
    """Crops of one shard, by their positions in the wanted keys; `last`: the shard gets no more."""

    shard: Shard
    key_B: Int64[np.ndarray, " b"]
    last: bool


@dataclass(frozen=True)
class CropBatch:
    """The crops of a plan; or, where their images cannot be used, none and the reason."""

    plan: BatchPlan
    request: CropRequest | None
    error: str | None = None


def plan_batches(keys_of: Mapping[Shard, Int64[np.ndarray, " r"]], batch_size: int) -> Iterator[BatchPlan]:
    """Batches never cross a shard: a network's output can depend, in its last bit, on the size of the
    batch, and a resumed extraction must end with the bytes of an undisturbed one."""
    for shard, key_R in keys_of.items():
        for start in range(0, len(key_R), batch_size):
            yield BatchPlan(shard, key_R[start : start + batch_size], start + batch_size >= len(key_R))


class CropBatches(Dataset):
    """Crops by batch plan. Holds the table's images as flat arrays, which forked workers share."""

    def __init__(self, table: CropTable, crop: CropGeometry, views: ViewsParams = _PLAIN_ONLY) -> None:
        self.keys: RowKeys = wanted_keys(table, views)
        self._images = IndexedImages(table)
        self._bbox_N4: Float64[np.ndarray, "n 4"] = table.bbox
        self._crop = crop
        self._views = views

    def __getitem__(self, plan: BatchPlan) -> CropBatch:
        """An image that is gone or changed is reported in the batch, not raised: a DataLoader would wrap the
        error in a worker's traceback."""
        try:
            return CropBatch(plan, self.request(plan.key_B))
        except KDError as error:
            return CropBatch(plan, None, str(error))

    def request(self, key_B: Int64[np.ndarray, " b"]) -> CropRequest:
        """The crops with these positions in the wanted keys.

        Raises:
            KDError: an image is gone or has changed.
        """
        keys = self.keys[key_B]
        views = [self._view(keys, position) for position in range(len(keys))]
        row_B = key_B % len(self._bbox_N4)
        affine_B23 = np.stack(
            [
                view_affine(self._bbox_N4[row], self._crop, view)
                for row, view in zip(row_B, views, strict=True)
            ]
        )
        images_BHW3 = torch.from_numpy(self._warped(row_B, affine_B23))
        return CropRequest(keys, images_BHW3, affine_B23, np.array([view.flip for view in views]))

    def _view(self, keys: RowKeys, position: int) -> View:
        return draw_view(self._views, int(keys.crop_id_B[position]), int(keys.view_B[position]))

    def _warped(
        self, row_B: Int64[np.ndarray, " b"], affine_B23: Float64[np.ndarray, "b 2 3"]
    ) -> UInt8[np.ndarray, "b h w 3"]:
        width, height = self._crop.input_size
        images_BHW3 = np.empty((len(row_B), height, width, 3), dtype=np.uint8)
        for position, row in enumerate(row_B):
            images_BHW3[position] = warp_crop(
                self._images.read(row), affine_B23[position], self._crop.input_size
            )
        return images_BHW3
