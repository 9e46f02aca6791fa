"""A shard file says when any of its bits is not as it was written."""

import numpy as np
import pytest

from pipeline.store.layout import ArrayLayout, Shard
from pipeline.store.shard_file import (
    DamagedShard,
    decode_chunk,
    encode_chunk,
    encode_index,
    is_whole,
    read_chunks,
    read_some,
)

SLOTS = 4


@pytest.fixture
def rows():
    return np.random.default_rng(0).integers(0, 20, (3, 2, 5), dtype=np.uint8)


@pytest.fixture
def file(tmp_path, rows):
    chunks = [encode_chunk(rows[i : i + 1], 5) for i in range(3)]
    path = tmp_path / "c.0"
    path.write_bytes(b"".join(chunks) + encode_index(chunks, SLOTS))
    return path


def test_chunks_come_back(file, rows):
    chunks = list(read_chunks(file, SLOTS, 3))
    assert np.array_equal(np.stack([decode_chunk(chunk, "uint8", (2, 5)) for chunk in chunks]), rows)
    (last,) = read_some(file, SLOTS, 3, [2])
    assert np.array_equal(decode_chunk(last, "uint8", (2, 5)), rows[2])


def test_every_single_flipped_bit_is_found(file):
    good = file.read_bytes()
    for place in range(len(good)):
        bad = bytearray(good)
        bad[place] ^= 1 << (place % 8)
        file.write_bytes(bad)
        assert not is_whole(file, SLOTS, 3), place


def test_a_flipped_bit_in_a_chunk_costs_that_chunk_alone(file):
    data = bytearray(file.read_bytes())
    data[1] ^= 16
    file.write_bytes(data)
    assert [chunk is None for chunk in read_chunks(file, SLOTS, 3)] == [True, False, False]


@pytest.mark.parametrize("length", [0, 3, 40, -1])
def test_a_torn_file_is_not_whole(file, length):
    file.write_bytes(file.read_bytes()[:length])
    assert not is_whole(file, SLOTS, 3)
    with pytest.raises(DamagedShard):
        list(read_chunks(file, SLOTS, 3))


def test_a_file_with_bytes_to_spare_is_not_whole(file):
    file.write_bytes(b"\0" + file.read_bytes())
    assert not is_whole(file, SLOTS, 3)


def test_a_file_with_fewer_chunks_than_rows_is_not_whole(file):
    assert not is_whole(file, SLOTS, 4)


def test_no_file_is_not_whole(tmp_path):
    assert not is_whole(tmp_path / "none", SLOTS, 3)


def test_floats_are_stored_little_endian(tmp_path):
    big = np.array([1.5, -2.0], dtype=">f4")
    chunk = encode_chunk(big, 3)
    assert np.array_equal(decode_chunk(chunk, "float32", (2,)), np.array([1.5, -2.0], dtype=np.float32))


def test_the_last_shards_rows_end_with_the_array():
    array = ArrayLayout("peak", "float32", (3,), ("joint",), num_rows=10, shard_size=4, rows_per_chunk=4)
    assert array.rows_of_chunk(Shard(2, 8, 10), 0) == (8, 10)
    assert array.file_name(Shard(2, 8, 10)) == "peak/c.2.0"
