"""Rows of one array, from shards laid out by hand."""

import numpy as np
import pytest

from pipeline.store.format.layout import ArrayLayout, Shard
from pipeline.store.format.shard_file import encode_chunk, encode_index
from pipeline.store.read.local_bytes import LocalBytes
from pipeline.store.read.reader import LostShard, MapReader

SHARDS = (Shard(0, 0, 4), Shard(1, 4, 6), Shard(2, 8, 12))
"""Rows 6 and 7 hold no crop: the store grew."""


@pytest.fixture(params=["uint8", "float16"])
def rows(request):
    numbers = np.random.default_rng(0).integers(0, 200, (12, 3, 4, 5))
    return numbers.astype(request.param)


@pytest.fixture
def array(rows):
    axes = ("joint", "y", "x")
    return ArrayLayout("map", str(rows.dtype), (3, 4, 5), axes, num_rows=12, shard_size=4, rows_per_chunk=1)


@pytest.fixture
def reader(tmp_path, array, rows):
    (tmp_path / "map").mkdir()
    for shard in SHARDS:
        chunks = [encode_chunk(rows[row : row + 1], 3) for row in range(shard.start, shard.stop)]
        file = tmp_path / array.file_name(shard)
        file.write_bytes(b"".join(chunks) + encode_index(chunks, array.slots))
    return MapReader(LocalBytes(tmp_path), array, SHARDS)


def test_rows_come_in_the_order_asked_for(reader, rows):
    wanted = np.array([11, 0, 5, 5, 8, 3])
    found = reader.read(wanted, 1)
    assert found.dtype == rows.dtype
    assert np.array_equal(found, rows[wanted])
    assert np.array_equal(reader.read(wanted[::-1].copy(), 1), rows[wanted[::-1]])


def test_portions_of_threads_meet_without_gaps(reader, rows):
    wanted = np.random.default_rng(1).choice([0, 1, 2, 3, 4, 5, 8, 9, 10, 11], 101)
    for threads in (1, 2, 3, 7):
        assert np.array_equal(reader.read(wanted, threads), rows[wanted])


@pytest.mark.parametrize("row", [6, 7])
def test_a_row_between_two_extractions_holds_no_crop(reader, row):
    with pytest.raises(IndexError, match=f"row {row} holds no crop"):
        reader.read(np.array([0, row]), 1)


def test_a_damaged_chunk_costs_its_row_and_names_its_shard(reader, tmp_path, rows):
    file = tmp_path / "map/c.2.0.0.0"
    data = bytearray(file.read_bytes())
    data[5] ^= 4  # in row 8
    file.write_bytes(data)
    assert np.array_equal(reader.read(np.array([9, 1]), 1), rows[[9, 1]])
    with pytest.raises(LostShard) as lost:
        reader.read(np.tile([0, 9, 8], 20), 2)
    assert (lost.value.file, lost.value.shard) == ("map/c.2.0.0.0", SHARDS[2])


def test_a_chunk_of_another_size_is_damage(tmp_path, array):
    chunks = [encode_chunk(np.zeros((1, 3, 4, 4), dtype=array.dtype), 3)] * 4
    (tmp_path / "map").mkdir()
    (tmp_path / "map/c.0.0.0.0").write_bytes(b"".join(chunks) + encode_index(chunks, array.slots))
    with pytest.raises(LostShard):
        MapReader(LocalBytes(tmp_path), array, SHARDS).read(np.array([0]), 1)
