"""Crops of a dataset as a teacher takes them.

Legend: B crops, H, W crop rows and columns, N rows of the crop table.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64, UInt8
from torch import Tensor
from torch.utils.data import Dataset

from pipeline.datasets.crop_table import CropTable
from pipeline.datasets.image_files import read_image
from pipeline.errors import KDError
from pipeline.geometry import CropGeometry, crop_affine, warp_crop
from pipeline.store.layout import Shard


@dataclass(frozen=True)
class BatchPlan:
    """Rows `start` to `stop` (not included), all of one shard."""

    shard: Shard
    start: int
    stop: int


@dataclass(frozen=True)
class CropBatch:
    """Crops of consecutive rows; or, where their images cannot be used, no crops and the reason."""

    plan: BatchPlan
    images_BHW3: UInt8[Tensor, "b h w 3"] | None
    error: str | None = None


def plan_batches(shards: Iterable[Shard], batch_size: int) -> Iterator[BatchPlan]:
    """Batches never cross a shard: what a network answers can depend, in its last bit, on the size of the
    batch, and a resumed extraction must end with the bytes of an undisturbed one."""
    for shard in shards:
        for start in range(shard.start, shard.stop, batch_size):
            yield BatchPlan(shard, start, min(start + batch_size, shard.stop))


class CropBatches(Dataset):
    """Crops by batch plan. Holds the table's images as flat arrays, which forked workers share."""

    def __init__(self, table: CropTable, crop: CropGeometry) -> None:
        self._root = table.images_root
        self._names = np.array([name.encode() for name in table.image])
        self._hashes = np.array([bytes.fromhex(digest) for digest in table.image_sha256], dtype="V32")
        self._crop = crop
        self.affine_N23: Float64[np.ndarray, "n 2 3"] = crop_affine(table.bbox, crop)
        self._name: bytes | None = None
        self._image: UInt8[np.ndarray, "H W 3"] | None = None

    def __getitem__(self, plan: BatchPlan) -> CropBatch:
        """An image that is gone or changed is told in the batch, not raised: a DataLoader would wrap the
        error in a worker's traceback."""
        width, height = self._crop.input_size
        images = torch.empty((plan.stop - plan.start, height, width, 3), dtype=torch.uint8)
        try:
            for position, row in enumerate(range(plan.start, plan.stop)):
                crop = warp_crop(self._read(row), self.affine_N23[row], self._crop.input_size)
                images[position] = torch.from_numpy(crop)
        except KDError as error:
            return CropBatch(plan, None, str(error))
        return CropBatch(plan, images)

    def _read(self, row: int) -> UInt8[np.ndarray, "H W 3"]:
        """The row's image; consecutive rows of one image decode it once."""
        name = bytes(self._names[row])
        if name != self._name:
            path = self._root / name.decode()
            _check_unchanged(path, self._hashes[row].tobytes())
            self._image, self._name = read_image(path), name
        return self._image


def _check_unchanged(path: Path, sha256: bytes) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise KDError(
            f"the image {path} was there when the dataset was indexed, but now it cannot be read: "
            f"{error.strerror}. Put it back; or, to go on without it, run kd-pipeline index-datasets and "
            "extract again. Finished shards are kept."
        ) from None
    if found != sha256:
        raise KDError(
            f"the image {path} has changed since the dataset was indexed: its SHA-256 is another. Put the "
            "old file back; or, to use the new one, run kd-pipeline index-datasets and extract again. "
            "Finished shards are kept."
        )
