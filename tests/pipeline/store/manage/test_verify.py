"""Damage is found wherever it is, and reported with file, rows and remedy."""

import json
import shutil

import numpy as np
import pytest
from fake_cell import without_fidelity

from pipeline.errors import KDError
from pipeline.store.manage.info import describe_store, store_info
from pipeline.store.manage.verify import verify_store

REMEDY = "kd-pipeline extract-teachers --teacher fake --dataset noise"


@pytest.mark.parametrize("kind", ["heatmap", "simcc"])
def test_an_undamaged_store_is_sound(kind, request):
    report = verify_store(request.getfixturevalue(f"{kind}_store"))
    assert report.sound
    assert report.summary() == "all 3 shards are whole"


def test_every_flipped_bit_is_found(heatmap_store):
    """One bit in each of 200 places, drawn over all bytes of all files."""
    files = sorted(file for file in heatmap_store.rglob("*") if file.is_file())
    sizes = np.array([file.stat().st_size for file in files])
    rng = np.random.default_rng(0)
    for place in rng.integers(0, sizes.sum(), 200):
        which = int(np.searchsorted(np.cumsum(sizes), place, side="right"))
        file, offset = files[which], int(place - sizes[:which].sum())
        good = file.read_bytes()
        bad = bytearray(good)
        bad[offset] ^= 1 << int(rng.integers(8))
        file.write_bytes(bad)
        (damage,) = verify_store(heatmap_store).damages
        assert damage.file == str(file)
        file.write_bytes(good)
    assert verify_store(heatmap_store).sound


def test_a_damaged_map_costs_one_row_and_a_damaged_column_its_shard(heatmap_store):
    for name in ("map/c.1.0.0.0", "peak/c.2.0"):
        data = bytearray((heatmap_store / name).read_bytes())
        data[5] ^= 8
        (heatmap_store / name).write_bytes(data)
    report = verify_store(heatmap_store)
    assert [(d.shard, d.first_row, d.last_row) for d in report.damages] == [(1, 4, 4), (2, 8, 9)]
    assert (report.whole, report.missing) == (1, 0)
    assert report.summary() == (
        "1 of 3 shards are whole, 0 missing, 2 damaged\n"
        f"  {heatmap_store}/map/c.1.0.0.0 (rows 4 to 4): the data does not match its checksum\n"
        f"  {heatmap_store}/peak/c.2.0 (rows 8 to 9): the data does not match its checksum\n"
        f"  To repair this, and only this: kd-pipeline store verify --repair {heatmap_store}"
    )


def test_a_truncated_and_a_deleted_file_are_distinguished(heatmap_store):
    torn = heatmap_store / "map/c.0.0.0.0"
    torn.write_bytes(torn.read_bytes()[:100])
    (heatmap_store / "affine/c.1.0.0").unlink()
    causes = {d.shard: d.cause for d in verify_store(heatmap_store).damages}
    assert causes == {
        0: "the file is damaged: its index does not match its checksum",
        1: "the file is missing",
    }


def _delete_shard(store, index):
    for file in store.glob(f"*/c.{index}*"):
        file.unlink()


def test_a_shard_that_a_complete_cell_had_is_gone(heatmap_store):
    _delete_shard(heatmap_store, 2)
    report = verify_store(heatmap_store)
    assert [(d.shard, d.cause) for d in report.damages] == [(2, "all files of this shard are gone")]
    assert report.missing == 1
    assert "store verify --repair" in report.remedy


def test_a_shard_of_a_cell_in_the_making_was_not_extracted_yet(heatmap_store):
    _delete_shard(heatmap_store, 2)
    without_fidelity(heatmap_store)
    report = verify_store(heatmap_store)
    assert [(d.shard, d.cause) for d in report.damages] == [(2, "not extracted yet")]
    assert report.remedy == REMEDY


@pytest.mark.parametrize(
    ("source", "target", "cause"),
    [
        ("map/c.0.0.0.0", "map/c.1.0.0.0", "not the one that was written here"),
        ("peak/c.1.0", "confidence/c.1.0", "not the one that was written here"),
        ("seal/c.0.0", "seal/c.1.0", "not of one another or not of this store"),
        ("peak/c.1.0", "seal/c.1.0", "its data are not of this array"),
    ],
)
def test_a_sound_file_in_the_wrong_place_is_named(heatmap_store, source, target, cause):
    shutil.copy(heatmap_store / source, heatmap_store / target)
    (damage,) = verify_store(heatmap_store).damages
    assert (damage.file, damage.first_row, damage.last_row) == (str(heatmap_store / target), 4, 7)
    assert cause in damage.cause


def test_an_empty_file_and_a_folder_in_a_files_place_are_named(heatmap_store):
    (heatmap_store / "map/c.0.0.0.0").write_bytes(b"")
    (heatmap_store / "peak/c.1.0").unlink()
    (heatmap_store / "peak/c.1.0").mkdir()
    assert [damage.cause for damage in verify_store(heatmap_store).damages] == [
        "the file is damaged: it is 0 bytes long, shorter than its own index",
        "the file cannot be read: Is a directory",
    ]


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "file.zarr").write_text("")
    with pytest.raises(KDError, match="is a file, but a store is a folder"):
        verify_store(tmp_path / "file.zarr")


def test_links_in_a_circle_are_no_store(tmp_path):
    (tmp_path / "a.zarr").symlink_to("b.zarr")
    (tmp_path / "b.zarr").symlink_to("a.zarr")
    with pytest.raises(KDError, match="Too many levels of symbolic links"):
        verify_store(tmp_path / "a.zarr")


def test_the_report_is_json(heatmap_store):
    (heatmap_store / "map/c.0.0.0.0").unlink()
    report = json.loads(json.dumps(verify_store(heatmap_store).as_dict()))
    assert report["sound"] is False
    assert report["remedy"].startswith("kd-pipeline store verify --repair ")
    assert report["damages"][0]["file"].endswith("map/c.0.0.0.0")


def test_info_tells_state_size_and_provenance(heatmap_store):
    info = json.loads(json.dumps(store_info(heatmap_store)))
    assert (info["complete"], info["shards"], info["shards_there"]) == (True, 3, 3)
    assert info["bytes"]["map"] == sum(f.stat().st_size for f in (heatmap_store / "map").glob("c.*"))
    assert info["attributes"]["checkpoint_sha256"] == "ab" * 32
    text = describe_store("here", info)
    assert "10 crops, complete" in text
    assert "heatmap 12 x 16 of input 24 x 32" in text
    assert "drift p50" in text


def test_info_of_an_incomplete_store(heatmap_store):
    (heatmap_store / "map/c.0.0.0.0").unlink()
    assert "2 of 3 shards" in describe_store("here", store_info(heatmap_store))


def test_nothing_at_the_path_is_an_error(tmp_path):
    with pytest.raises(KDError, match="there is no store .*extract-teachers"):
        verify_store(tmp_path / "none.zarr")
