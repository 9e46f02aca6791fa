"""What is in a store's `zarr.json` files: made, and so checked, by zarr-python's own objects.

zarr is imported on first use: it takes a third of a second, and a DataLoader's worker, which is handed an
open store, makes no metadata.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.store.format.layout import ArrayLayout

if TYPE_CHECKING:
    from zarr.codecs import ShardingCodec


def group_json(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """`zarr.json` of a group with these attributes."""
    from zarr.core.group import GroupMetadata

    return GroupMetadata(attributes=dict(attributes), zarr_format=3).to_dict()


def array_json(array: ArrayLayout, zstd_level: int) -> dict[str, Any]:
    """`zarr.json` of an array, as JSON has it (lists, no tuples).

    zarr-python itself would write two things more briefly or at more length: it leaves out the byte order of
    one-byte types, and lists the storage transformers, of which there are none. Format 2 has the former and
    not the latter; to every reader both say the same.
    """
    from zarr.core.metadata.v3 import ArrayV3Metadata
    from zarr.dtype import parse_dtype

    codec = _sharding(array, zstd_level)
    made = ArrayV3Metadata(
        shape=(array.num_rows, *array.row_shape),
        data_type=parse_dtype(np.dtype(array.dtype), zarr_format=3),
        chunk_grid=_named("regular", chunk_shape=(array.shard_size, *array.row_shape)),
        chunk_key_encoding=_named("default", separator="."),
        fill_value=array.fill,
        codecs=[codec],
        attributes={},
        dimension_names=["crop", *array.axes],
    ).to_dict()
    del made["storage_transformers"]
    return _lists(made | {"codecs": [codec.to_dict()]})


def _sharding(array: ArrayLayout, zstd_level: int) -> "ShardingCodec":
    """The index at the end, under a crc32c of its own, is zarr-python's default."""
    from zarr.codecs import BytesCodec, Crc32cCodec, ShardingCodec, ZstdCodec

    return ShardingCodec(
        chunk_shape=(array.rows_per_chunk, *array.row_shape),
        codecs=[BytesCodec(endian="little"), ZstdCodec(level=zstd_level, checksum=False), Crc32cCodec()],
    )


def _named(name: str, **configuration: Any) -> dict[str, Any]:
    return {"name": name, "configuration": configuration}


def _lists(value: Any) -> Any:
    """The same with lists for tuples, to be compared with what was read from a file."""
    if isinstance(value, Mapping):
        return {name: _lists(entry) for name, entry in value.items()}
    return [_lists(entry) for entry in value] if isinstance(value, list | tuple) else value
