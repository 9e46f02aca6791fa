"""A shard file says when any of its bits is not as it was written."""

from concurrent.futures import ThreadPoolExecutor

import google_crc32c
import numcodecs
import numpy as np
import pytest

from pipeline.store.format.layout import ArrayLayout, Shard
from pipeline.store.format.shard_file import (
    FRAMES_AT_ONCE,
    DamagedShard,
    decode_chunk,
    decode_into,
    encode_chunk,
    encode_index,
    read_chunks,
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


def is_whole(file, slots, chunks):
    try:
        return None not in list(read_chunks(file, slots, chunks))
    except (OSError, DamagedShard):
        return False


def test_chunks_come_back(file, rows):
    chunks = list(read_chunks(file, SLOTS, 3))
    assert np.array_equal(np.stack([decode_chunk(chunk, "uint8", (2, 5)) for chunk in chunks]), rows)


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


def test_chunks_decode_into_their_rows(rows):
    place = np.zeros((4, 10), dtype=np.uint8)
    assert decode_into(place[1:], [encode_chunk(row, 3) for row in rows]) == 3
    assert place.tolist() == [[0] * 10, *rows.reshape(3, 10).tolist()]


def test_decoding_stops_at_a_chunk_that_cannot_fill_its_row(rows):
    chunks = [encode_chunk(rows[0], 3), encode_chunk(rows[0, :1], 3), encode_chunk(rows[1], 3)]
    assert decode_into(np.zeros((3, 10), dtype=np.uint8), chunks) == 1


@pytest.mark.parametrize("bad", [FRAMES_AT_ONCE - 1, FRAMES_AT_ONCE, 2 * FRAMES_AT_ONCE + 1])
def test_decoding_many_chunks_stops_at_the_one_that_holds_too_little(rows, bad):
    chunks = [encode_chunk(rows[0], 3)] * (2 * FRAMES_AT_ONCE + 3)
    chunks[bad] = encode_chunk(rows[0, :1], 3)
    assert decode_into(np.zeros((len(chunks), 10), dtype=np.uint8), chunks) == bad


def test_chunks_of_other_writers_decode_beside_ours(rows):
    """A header may say the same length in other words: here with the checksum that ours do without."""
    theirs = numcodecs.Zstd(level=3, checksum=True).encode(rows[1])
    theirs += google_crc32c.value(theirs).to_bytes(4, "little")
    place = np.zeros((3, 10), dtype=np.uint8)
    assert decode_into(place, [encode_chunk(rows[0], 3), theirs, encode_chunk(rows[2], 3)]) == 3
    assert np.array_equal(place, rows.reshape(3, 10))


def test_decoding_stops_at_a_chunk_without_a_frame():
    chunk = b"no frame" + google_crc32c.value(b"no frame").to_bytes(4, "little")
    for chunks in ([chunk], [b""]):
        assert decode_into(np.zeros((1, 10), dtype=np.uint8), chunks) == 0


def test_every_single_flipped_bit_of_a_chunk_is_found(rows):
    good, place = encode_chunk(rows[0], 3), np.zeros((1, 10), dtype=np.uint8)
    for bit in range(8 * len(good)):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << (bit % 8)
        assert not decode_into(place, [bytes(bad)]), bit


def test_what_a_compressor_did_before_and_in_which_thread_does_not_change_a_chunk(rows):
    """A shard computed by a resumed run has the bytes it would have had."""
    expected = [numcodecs.Zstd(level=3).encode(row) for row in rows]

    def frames(order):
        return {row: encode_chunk(rows[row], 3)[:-4] for row in order}

    with ThreadPoolExecutor(3) as pool:
        for found in (frames([0, 1, 2]), *pool.map(frames, [[2, 1, 0], [1, 1, 2, 0], [0, 2, 1]] * 5)):
            assert [found[row] for row in range(3)] == expected


def test_levels_may_take_turns(rows):
    noisy = np.random.default_rng(0).integers(0, 4, (40, 50), dtype=np.uint8)
    first = encode_chunk(noisy, 1)
    assert len(encode_chunk(noisy, 19)) < len(first)
    assert encode_chunk(noisy, 1) == first


def test_a_frame_states_how_long_its_contents_are(rows):
    """zarr-python and tensorstore need not be given it to decode."""
    assert encode_chunk(rows, 3)[4:6] == bytes([0x20, rows.nbytes])  # one segment, length in one byte


def test_data_of_another_shape_are_damage_not_a_traceback(rows):
    with pytest.raises(DamagedShard, match="not of this array"):
        decode_chunk(encode_chunk(rows, 5), "uint8", (7, 7))
