"""Rows of one map array, gathered from its shards.

Legend: B rows asked for, N bytes of one row, R rows of the store (2: offset and length of its chunk).
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float16, Int64, UInt8

from pipeline.store.format.layout import ArrayLayout, Shard
from pipeline.store.format.shard_bytes import ShardBytes, Span
from pipeline.store.format.shard_file import DamagedShard, decode_index, decode_into, index_bytes
from pipeline.store.read.decode_threads import run_in_portions


class LostShard(Exception):
    """A shard's file, named below the store's root, is missing or damaged. Callers turn it into a KDError."""

    def __init__(self, file: str, shard: Shard) -> None:
        super().__init__(file)
        self.file, self.shard = file, shard


class MapReader:
    """Random rows of an array that has one row to a chunk.

    A shard's index is read and checked, also against its seal, when a row of it is first asked for, and kept:
    16 bytes a row. Nothing else is kept; at random, a chunk is not soon read again.
    """

    def __init__(
        self,
        source: ShardBytes,
        array: ArrayLayout,
        shards: Sequence[Shard],
        belongs: Callable[[Shard, Int64[np.ndarray, " c"], bytes], bool] = lambda *file: True,
    ) -> None:
        """`belongs` says of a shard whether a file with chunks of these lengths and this index is its own."""
        self._source = source
        self._belongs = belongs
        self._array = array
        self._shards = shards
        self._indexed = np.zeros(len(shards), dtype=bool)
        self._place_R2 = np.zeros((shards[-1].stop, 2), dtype=np.int64)

    def read(
        self, row_B: Int64[np.ndarray, " b"], threads: int
    ) -> UInt8[np.ndarray, "b ..."] | Float16[np.ndarray, "b ..."]:
        """These rows, in this order, decoded into one array by so many threads.

        Raises:
            LostShard: missing or damaged.
            IndexError: a row after the end of one extraction and before the first shard of the next.
            KDError: the store cannot be reached.
        """
        spans = self.spans(row_B)
        little = np.dtype(self._array.dtype).newbyteorder("<")
        byte_BN = np.empty((len(row_B), math.prod(self._array.row_shape) * little.itemsize), dtype=np.uint8)
        run_in_portions(lambda part: self._decode(spans[part], byte_BN[part]), len(row_B), threads)
        batch = byte_BN.view(little).reshape(len(row_B), *self._array.row_shape)
        return batch.astype(self._array.dtype, copy=False)

    def spans(self, row_B: Int64[np.ndarray, " b"]) -> list[Span]:
        shard_B = row_B // self._array.shard_size
        wanted = {index: self._shards[index] for index in np.unique(shard_B).tolist()}
        self._learn_places([shard for index, shard in wanted.items() if not self._indexed[index]])
        place_B2 = self._place_R2[row_B]
        if not place_B2[:, 1].all():
            raise IndexError(f"row {row_B[place_B2[:, 1] == 0][0]} holds no crop")
        names = {index: self._array.file_name(shard) for index, shard in wanted.items()}
        files = [names[index] for index in shard_B.tolist()]
        return list(zip(files, *place_B2.T.tolist(), strict=True))

    def _learn_places(self, shards: Sequence[Shard]) -> None:
        """Read the indexes of these shards."""
        files = [self._array.file_name(shard) for shard in shards]
        tails = self._source.read_ends(files, index_bytes(self._array.slots))
        for shard, file, tail in zip(shards, files, tails, strict=True):
            try:
                place_R2 = decode_index(tail, self._array.slots, self._array.chunks_in(shard))
            except DamagedShard:
                raise LostShard(file, shard) from None
            if not self._belongs(shard, place_R2[:, 1], tail):
                raise LostShard(file, shard)
            self._place_R2[shard.start : shard.stop] = place_R2
            self._indexed[shard.index] = True

    def _decode(self, spans: Sequence[Span], byte_BN: UInt8[np.ndarray, "b n"]) -> None:
        done = decode_into(byte_BN, self._source.read(spans))
        if done < len(spans):
            file, _, _ = spans[done]
            raise LostShard(file, next(s for s in self._shards if self._array.file_name(s) == file))
