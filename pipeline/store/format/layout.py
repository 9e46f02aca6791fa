"""Which files a cell consists of: arrays and shards."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal["heatmap", "simcc"]
NO_CROP = -1
"""`crop_id` of a row that holds no crop."""
MAPS = ("map", "map_x", "map_y")
FIDELITY_NAMES = ("drift", "error", "floor")
"""Arrays that say how far a stored map is from the teacher's own."""


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

    `fill` is what rows hold that no crop has.

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
    fill: int | float = 0

    def file_name(self, shard: Shard) -> str:
        """Path below the store's root, by Zarr's default chunk key encoding with separator '.'."""
        return f"{self.name}/c.{shard.index}" + ".0" * len(self.row_shape)

    @property
    def is_map(self) -> bool:
        return self.name in MAPS

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


def num_shards(segments: Sequence[int], shard_size: int) -> int:
    """Of a cell of such segments: each begins on a shard of its own."""
    return sum(-(-rows // shard_size) for rows in segments)


@dataclass(frozen=True)
class CellLayout:
    """All arrays of a cell.

    Args:
        kind: heatmaps, or pairs of SimCC vectors.
        map_dtype: uint8 or float16.
        segments: rows of each extraction that added some. Each begins on a shard of its own, so the shards of
            those before it are never touched; rows between a segment's end and the next one's shard hold no
            crop.
        num_joints: joints per row.
        map_size: (width, height) of a heatmap; (bins of x, bins of y) for SimCC.
        shard_size: rows a shard.
    """

    kind: Kind
    map_dtype: str
    segments: tuple[int, ...]
    num_joints: int
    map_size: tuple[int, int]
    shard_size: int

    @property
    def num_rows(self) -> int:
        """Length of every array."""
        return self.shards[-1].stop

    @property
    def arrays(self) -> tuple[ArrayLayout, ...]:
        """In the order in which a shard's files appear: a shard whose seal is there is complete."""
        return (*self.sealed, self.seal)

    @property
    def seal(self) -> ArrayLayout:
        """A checksum of each other file of the row's shard (`pipeline.store.format.seal`); the same in all
        its rows."""
        return self._column("seal", "uint32", (len(self.sealed),), ("file",))

    @property
    def seal_order(self) -> list[str]:
        """The arrays whose files a seal is of, along its second axis."""
        return sorted(array.name for array in self.sealed)

    @property
    def sealed(self) -> tuple[ArrayLayout, ...]:
        """All arrays but the seal, in the order in which their files appear."""
        per_joint = ("confidence", *self.scale_names)
        return (
            *self.keys,
            self._column("affine", "float64", (2, 3), ("row", "column")),
            self._column("keypoints", "float32", (self.num_joints, 2), ("joint", "xy")),
            *(self._column(name, "float32", (self.num_joints,), ("joint",)) for name in per_joint),
            *(self._column(name, "float16", (self.num_joints,), ("joint",)) for name in FIDELITY_NAMES),
            *self.maps,
        )

    @property
    def keys(self) -> tuple[ArrayLayout, ...]:
        """Which crop a row is of."""
        return (
            self._column("crop_id", "int64", fill=NO_CROP),
            self._column("view", "uint8"),
            self._column("fingerprint", "int64"),
        )

    @property
    def maps(self) -> tuple[ArrayLayout, ...]:
        """The large arrays."""
        width, height = self.map_size
        if self.kind == "heatmap":
            return (self._map("map", (self.num_joints, height, width), ("joint", "y", "x")),)
        return (
            self._map("map_x", (self.num_joints, width), ("joint", "x")),
            self._map("map_y", (self.num_joints, height), ("joint", "y")),
        )

    @property
    def scale_names(self) -> tuple[str, ...]:
        """Arrays that turn the maps' bytes back into the teacher's numbers."""
        return ("peak", "base") if self.kind == "heatmap" else ("peak_x", "peak_y", "base_x", "base_y")

    def _column(
        self,
        name: str,
        dtype: str,
        row_shape: tuple[int, ...] = (),
        axes: tuple[str, ...] = (),
        fill: int = 0,
    ) -> ArrayLayout:
        return ArrayLayout(
            name, dtype, row_shape, axes, self.num_rows, self.shard_size, self.shard_size, fill
        )

    def _map(self, name: str, row_shape: tuple[int, ...], axes: tuple[str, ...]) -> ArrayLayout:
        return ArrayLayout(name, self.map_dtype, row_shape, axes, self.num_rows, self.shard_size, 1)

    @cached_property
    def shards(self) -> tuple[Shard, ...]:
        shards: list[Shard] = []
        for rows in self.segments:
            first = len(shards)
            for number in range(math.ceil(rows / self.shard_size)):
                start = (first + number) * self.shard_size
                stop = start + min(self.shard_size, rows - number * self.shard_size)
                shards.append(Shard(first + number, start, stop))
        return tuple(shards)
