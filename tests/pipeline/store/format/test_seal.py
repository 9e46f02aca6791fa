"""A file that is sound but belongs elsewhere is found."""

import dataclasses
import shutil

import google_crc32c
import numpy as np
import pytest
import zarr
from fake_cell import EXTRACT, RUNTIME, FakeTeacher, shard_files

from pipeline.errors import KDError
from pipeline.extraction.extract import extract_cell
from pipeline.store.format.layout import CellLayout
from pipeline.store.format.seal import Sealing
from pipeline.store.format.shard_file import decode_index, encode_chunk, encode_index, index_bytes
from pipeline.store.read.reader import StoreReader
from pipeline.store.store import open_store


def test_the_seal_is_the_checksum_of_each_files_place_and_bytes(heatmap_store):
    """As docs/store-format.md says, without our code. A file of one chunk ends in that chunk's crc32c, an
    index of one slot (16 bytes) and its crc32c."""
    group = zarr.open_group(heatmap_store, mode="r")
    names = sorted(set(group.array_keys()) - {"seal"})
    for row, shard in ((0, 0), (3, 0), (9, 2)):
        for name, sealed in zip(names, group["seal"][row], strict=True):
            (file,) = heatmap_store.glob(f"{name}/c.{shard}*")
            place = file.relative_to(heatmap_store)
            salt = f"{group.attrs['provenance_sha256']} {place}\n".encode()
            data = file.read_bytes()
            assert google_crc32c.value(salt + (data if name == "map" else data[:-24])) == sealed


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("map/c.0.0.0.0", "map/c.1.0.0.0"),
        ("keypoints/c.0.0.0", "keypoints/c.1.0.0"),
        ("peak/c.0.0", "confidence/c.0.0"),
        ("peak/c.0.0", "seal/c.0.0"),
        ("seal/c.1.0", "seal/c.0.0"),
    ],
)
def test_a_file_of_another_shard_or_array_is_computed_again(table, heatmap_store, source, target):
    whole = shard_files(heatmap_store)
    shutil.copy(heatmap_store / source, heatmap_store / target)
    (shard,) = open_store(heatmap_store).missing()
    assert f"c.{shard.index}" in target
    assert extract_cell(FakeTeacher(), table, heatmap_store, EXTRACT, RUNTIME).shards_written == 1
    assert shard_files(heatmap_store) == whole


def test_a_whole_shard_of_another_teachers_store_is_computed_again(table, heatmap_store, tmp_path):
    whole = shard_files(heatmap_store)
    other = tmp_path / "other.zarr"
    extract_cell(FakeTeacher(provenance={"weights": 2}), table, other, EXTRACT, RUNTIME)
    for file in other.glob("*/c.1*"):
        shutil.copy(file, heatmap_store / file.relative_to(other))
    assert [shard.index for shard in open_store(heatmap_store).missing()] == [1]
    extract_cell(FakeTeacher(), table, heatmap_store, EXTRACT, RUNTIME)
    assert shard_files(heatmap_store) == whole


@pytest.mark.parametrize("version", [1, 2])
def test_files_of_one_length_have_seals_of_their_own(tmp_path, version):
    """crc32c over a chunk that ends in its own crc32c would not: that was version 1."""
    layout = CellLayout("heatmap", "uint8", (8,), 1, (2, 2), 4)
    (array,) = (array for array in layout.arrays if array.name == "fingerprint")
    shard, sealing, seals = layout.shards[0], Sealing("salt", version), []
    for seed in (0, 1):
        rows = np.random.default_rng(seed).integers(-(2**62), 2**62, 4)
        chunk = encode_chunk(rows, 3)
        index = encode_index([chunk], array.slots)
        seals.append(sealing.of_chunk(array, shard, chunk))
        (tmp_path / "fingerprint").mkdir(exist_ok=True)
        (tmp_path / array.file_name(shard)).write_bytes(chunk + index)
        assert sealing.of_file(array, shard, tmp_path) == seals[-1]
    assert (seals[0] == seals[1]) == (version == 1)


def test_the_checksum_of_a_maps_file_follows_from_its_index(heatmap_store):
    store = open_store(heatmap_store)
    for shard in store.layout.shards:
        (array,) = store.layout.maps
        data = (heatmap_store / array.file_name(shard)).read_bytes()
        tail = data[-index_bytes(array.slots) :]
        length_C = decode_index(tail, array.slots, array.chunks_in(shard))[:, 1]
        salt = f"{store.attributes['provenance_sha256']} {array.file_name(shard)}\n".encode()
        assert store.sealing.of_index(array, shard, length_C, tail) == google_crc32c.value(salt + data)


@pytest.mark.parametrize("from_another_dataset", [False, True])
def test_a_reader_refuses_every_file_that_belongs_elsewhere(
    tmp_path, table, heatmap_store, from_another_dataset
):
    """Its own checksums hold, and a foreign store's provenance is the same: one teacher, another dataset."""
    other = heatmap_store
    if from_another_dataset:
        other = tmp_path / "other.zarr"
        elsewhere = dataclasses.replace(table, bbox=table.bbox + 3, crop_id=table.crop_id + 1)
        extract_cell(FakeTeacher(), elsewhere, other, EXTRACT, RUNTIME)
        assert open_store(other).provenance == open_store(heatmap_store).provenance
    for array in open_store(heatmap_store).layout.sealed:
        target = heatmap_store / array.file_name(open_store(heatmap_store).layout.shards[0])
        source = other / array.file_name(open_store(other).layout.shards[0 if from_another_dataset else 1])
        kept = target.read_bytes()
        if source.read_bytes() == kept or array.name == "view":  # views are all 0
            continue
        target.write_bytes(source.read_bytes())
        reader = StoreReader(heatmap_store)
        with pytest.raises(KDError, match=rf"{array.name}/c\.0\S* \(rows 0 to 3\) is missing or damaged"):
            reader.column(array.name) if not array.is_map else reader.read(np.array([1]))
        target.write_bytes(kept)
    assert len(StoreReader(heatmap_store).read(np.arange(10)).confidence_BK) == 10
