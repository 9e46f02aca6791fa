"""Which files a cell consists of: arrays, shards, and the Zarr v3 metadata that describes them."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Kind = Literal["heatmap", "simcc"]


@dataclass(frozen=True)
class Shard:
    """Consecutive rows `start` to `stop` (not included) of a cell, kept in one file per array."""

    index: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True)
class ArrayLayout:
    """One array of a cell: `num_rows` rows of `row_shape`, `shard_size` rows a file.

    `rows_per_chunk` is what one decompression yields. Maps are read at random, one row a chunk. The other
    arrays are read whole: one chunk a shard, because a chunk of 68 bytes costs as much to fetch as one of
    70 KB, and a whole-array read would be a thousand times slower.
    """

    name: str
    dtype: str
    row_shape: tuple[int, ...]
    axes: tuple[str, ...]
    num_rows: int
    shard_size: int
    rows_per_chunk: int

    def file_name(self, shard: Shard) -> str:
        """Path below the store's root, by Zarr's default chunk key encoding with separator '.'."""
        return f"{self.name}/c.{shard.index}" + ".0" * len(self.row_shape)

    @property
    def slots(self) -> int:
        """Chunks a shard file has room for; those past the last row of the array stay empty."""
        return self.shard_size // self.rows_per_chunk

    def chunks_in(self, shard: Shard) -> int:
        return math.ceil(len(shard) / self.rows_per_chunk)

    def rows_of_chunk(self, shard: Shard, chunk: int) -> tuple[int, int]:
        """First row of a chunk, and the row after its last."""
        start = shard.start + chunk * self.rows_per_chunk
        return start, min(start + self.rows_per_chunk, shard.stop)

    def metadata(self, zstd_level: int) -> dict[str, Any]:
        """`zarr.json` of the array (Zarr v3 specification, sharding_indexed, zstd and crc32c codecs)."""
        little = {"name": "bytes", "configuration": {"endian": "little"}}
        zstd = {"name": "zstd", "configuration": {"level": zstd_level, "checksum": False}}
        crc32c = {"name": "crc32c"}
        inner = {
            "chunk_shape": [self.rows_per_chunk, *self.row_shape],
            "codecs": [little, zstd, crc32c],
            "index_codecs": [little, crc32c],
            "index_location": "end",
        }
        return {
            "zarr_format": 3,
            "node_type": "array",
            "shape": [self.num_rows, *self.row_shape],
            "data_type": self.dtype,
            "chunk_grid": _named("regular", chunk_shape=[self.shard_size, *self.row_shape]),
            "chunk_key_encoding": _named("default", separator="."),
            "fill_value": 0 if np.dtype(self.dtype).kind in "iu" else 0.0,
            "codecs": [{"name": "sharding_indexed", "configuration": inner}],
            "dimension_names": ["crop", *self.axes],
            "attributes": {},
        }


def _named(name: str, **configuration: Any) -> dict[str, Any]:
    return {"name": name, "configuration": configuration}


@dataclass(frozen=True)
class CellLayout:
    """All arrays of a cell.

    Args:
        kind: heatmaps, or pairs of SimCC vectors.
        num_crops, num_joints: rows, and joints per row.
        map_size: (width, height) of a heatmap; (bins of x, bins of y) for SimCC.
        shard_size: crops a shard.
    """

    kind: Kind
    num_crops: int
    num_joints: int
    map_size: tuple[int, int]
    shard_size: int

    @property
    def arrays(self) -> tuple[ArrayLayout, ...]:
        """In the order in which a shard's files appear: a shard whose last map is there is all there."""
        per_joint = ["confidence", *self.scale_names]
        return (
            self._array("crop_id", "int64", ()),
            self._array("affine", "float64", (2, 3), ("row", "column")),
            self._array("keypoints", "float32", (self.num_joints, 2), ("joint", "xy")),
            *(self._array(name, "float32", (self.num_joints,), ("joint",)) for name in per_joint),
            *(self._array(name, "float16", (self.num_joints,), ("joint",)) for name in ("drift", "error")),
            *self.maps,
        )

    @property
    def maps(self) -> tuple[ArrayLayout, ...]:
        """The large arrays."""
        width, height = self.map_size
        if self.kind == "heatmap":
            return (self._array("map", "uint8", (self.num_joints, height, width), ("joint", "y", "x"), 1),)
        return (
            self._array("map_x", "uint8", (self.num_joints, width), ("joint", "x"), 1),
            self._array("map_y", "uint8", (self.num_joints, height), ("joint", "y"), 1),
        )

    @property
    def scale_names(self) -> tuple[str, ...]:
        """Arrays that turn the maps' bytes back into the teacher's numbers."""
        return ("peak",) if self.kind == "heatmap" else ("peak_x", "peak_y", "base_x", "base_y")

    def _array(
        self, name: str, dtype: str, row_shape: tuple[int, ...], axes: tuple[str, ...] = (), rows: int = 0
    ) -> ArrayLayout:
        rows_per_chunk = rows or self.shard_size
        return ArrayLayout(name, dtype, row_shape, axes, self.num_crops, self.shard_size, rows_per_chunk)

    @property
    def shards(self) -> list[Shard]:
        starts = range(0, self.num_crops, self.shard_size)
        return [Shard(i, s, min(s + self.shard_size, self.num_crops)) for i, s in enumerate(starts)]
