"""Two ways to gather rows of a map array: tensorstore's threads, and plain file reads."""

import os
from pathlib import Path

import numpy as np
import tensorstore
from jaxtyping import Int64, UInt8

from pipeline.store.layout import ArrayLayout, Shard
from pipeline.store.shard_file import DamagedShard, decode_chunk, read_some
from pipeline.store.store import Store

_CONTEXT = {"data_copy_concurrency": {"limit": 2}}
"""Decoding threads a process. Nothing is cached: at random, a chunk is not soon read again."""

_opened_by: set[int] = set()
"""Process ids that have used tensorstore, this one's ancestors among them: a fork copies the set."""


def tensorstore_works_here() -> bool:
    """False in a child forked from a process that had used tensorstore, which then aborts the child."""
    return _opened_by <= {os.getpid()}


def open_array(folder: Path) -> tensorstore.TensorStore:
    """The array in `folder`. A missing shard is an error when read, not zeros."""
    _opened_by.add(os.getpid())
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": str(folder.resolve())},
        "recheck_cached_metadata": "open",
        "recheck_cached_data": "open",
        "fill_missing_data_reads": False,
    }
    return tensorstore.open(spec, read=True, context=tensorstore.Context(_CONTEXT)).result()


def gather(store: Store, array: ArrayLayout, rows: Int64[np.ndarray, " b"]) -> UInt8[np.ndarray, "b ..."]:
    """These rows without tensorstore and without threads.

    Raises:
        KDError: a shard is damaged or has gone.
    """
    gathered = np.empty((len(rows), *array.row_shape), dtype=array.dtype)
    shards = store.layout.shards
    for index in np.unique(rows // array.shard_size):
        positions = np.flatnonzero(rows // array.shard_size == index)
        _gather_shard(store, array, shards[index], rows[positions], positions, gathered)
    return gathered


def _gather_shard(
    store: Store,
    array: ArrayLayout,
    shard: Shard,
    rows: Int64[np.ndarray, " r"],
    positions: Int64[np.ndarray, " r"],
    gathered: UInt8[np.ndarray, "b ..."],
) -> None:
    path = store.file(array, shard)
    try:
        chunks = read_some(path, array.slots, array.chunks_in(shard), (rows - shard.start).tolist())
        for position, chunk in zip(positions, chunks, strict=True):
            gathered[position] = decode_chunk(chunk, array.dtype, array.row_shape)
    except (OSError, DamagedShard):
        raise store.damage_error(path, shard) from None
