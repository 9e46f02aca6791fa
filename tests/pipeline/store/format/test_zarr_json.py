"""Metadata files beside what zarr-python writes for the same arrays."""

import json
import subprocess
import sys

import pytest
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.storage import MemoryStore

from pipeline.store.format.layout import ArrayLayout
from pipeline.store.store import open_store


def _created(array: ArrayLayout, level: int) -> zarr.Array:
    return zarr.create_array(
        MemoryStore(),
        shape=(array.num_rows, *array.row_shape),
        dtype=array.dtype,
        shards=(array.shard_size, *array.row_shape),
        chunks=(array.rows_per_chunk, *array.row_shape),
        compressors=[ZstdCodec(level=level), Crc32cCodec()],
        fill_value=array.fill,
        dimension_names=["crop", *array.axes],
        chunk_key_encoding={"name": "default", "separator": "."},
    )


@pytest.mark.parametrize("kind", ["heatmap", "simcc"])
def test_every_array_is_the_one_that_zarr_python_creates_of_the_same_description(kind, request):
    store = open_store(request.getfixturevalue(f"{kind}_store"))
    group = zarr.open_group(store.path, mode="r")
    for array in store.layout.arrays:
        assert group[array.name].metadata == _created(array, store.attributes["codec"]["zstd_level"]).metadata


def test_a_one_byte_array_is_described_as_in_format_2_from_the_start(heatmap_store):
    """Written by hand from the Zarr v3 specification: with a byte order, without storage transformers."""
    little, crc32c = {"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}
    zstd = {"name": "zstd", "configuration": {"level": 3, "checksum": False}}
    size = open_store(heatmap_store).layout.shard_size
    assert json.loads((heatmap_store / "view" / "zarr.json").read_text()) == {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [open_store(heatmap_store).layout.num_rows],
        "data_type": "uint8",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [size]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
        "fill_value": 0,
        "codecs": [
            {
                "name": "sharding_indexed",
                "configuration": {
                    "chunk_shape": [size],
                    "codecs": [little, zstd, crc32c],
                    "index_codecs": [little, crc32c],
                    "index_location": "end",
                },
            }
        ],
        "dimension_names": ["crop"],
        "attributes": {},
    }


def test_zarr_is_imported_where_metadata_is_made_and_not_with_the_reader():
    code = "import sys, pipeline.store.read.reader; sys.exit('zarr' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
