"""A file that is sound but belongs elsewhere is found."""

import shutil

import google_crc32c
import pytest
import zarr
from fake_cell import EXTRACT, RUNTIME, FakeTeacher, shard_files

from pipeline.store.extract import extract_cell
from pipeline.store.store import open_store


def test_the_seal_is_the_checksum_of_each_files_place_and_bytes(heatmap_store):
    """As docs/store-format.md says, without our code."""
    group = zarr.open_group(heatmap_store, mode="r")
    names = sorted(set(group.array_keys()) - {"seal"})
    for row, shard in ((0, 0), (3, 0), (9, 2)):
        for name, sealed in zip(names, group["seal"][row], strict=True):
            (file,) = heatmap_store.glob(f"{name}/c.{shard}*")
            place = file.relative_to(heatmap_store)
            salt = f"{group.attrs['provenance_sha256']} {place}\n".encode()
            assert google_crc32c.value(salt + file.read_bytes()) == sealed


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
