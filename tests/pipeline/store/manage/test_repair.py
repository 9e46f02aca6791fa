"""A damaged store is put right from what it has left, byte for byte."""

import shutil

import pytest
from fake_cell import EXTRACT, RUNTIME, FakeTeacher, shard_files, without_fidelity

from pipeline.errors import KDError
from pipeline.extraction.extract import extract_cell
from pipeline.store.format.cell import DamagedMetadata
from pipeline.store.format.metadata import metadata_files
from pipeline.store.manage.repair import repair_metadata
from pipeline.store.manage.verify import verify_store
from pipeline.store.store import open_store


def files(store):
    return {str(f.relative_to(store)): f.read_bytes() for f in store.rglob("*") if f.is_file()}


def _flip(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def _extract(store, table, **options):
    return extract_cell(FakeTeacher(), table, store, EXTRACT, RUNTIME, **options)


@pytest.mark.parametrize("harm", [lambda file: file.unlink(), _flip, lambda file: file.write_bytes(b"")])
@pytest.mark.parametrize("place", ["zarr.json", "crop_id/group.json", "map/zarr.json", "seal/zarr.json"])
def test_a_metadata_file_is_written_again_without_the_teacher(heatmap_store, place, harm):
    whole = files(heatmap_store)
    harm(heatmap_store / place)
    (damage,) = verify_store(heatmap_store).damages
    assert (damage.file, damage.first_row, damage.last_row) == (str(heatmap_store / place), 0, 9)
    assert repair_metadata(heatmap_store) == [place]
    assert files(heatmap_store) == whole


def test_all_arrays_metadata_at_once_and_the_folder_of_the_copy(heatmap_store, table):
    whole = files(heatmap_store)
    for place in heatmap_store.glob("*/zarr.json"):
        place.unlink()
    shutil.rmtree(heatmap_store / "crop_id")
    repair_metadata(heatmap_store)
    assert _extract(heatmap_store, table, only_damaged=True).shards_written == 3
    assert files(heatmap_store) == whole


def test_a_number_spelt_otherwise_is_damage_too(heatmap_store):
    place = heatmap_store / "zarr.json"
    whole = place.read_bytes()
    place.write_bytes(whole.replace(b'"crops": 10,', b'"crops": 1e1,'))
    assert [damage.file for damage in verify_store(heatmap_store).damages] == [str(place)]
    repair_metadata(heatmap_store)
    assert place.read_bytes() == whole


def test_a_sound_store_is_not_touched(heatmap_store):
    before = {file: file.stat().st_mtime_ns for file in heatmap_store.rglob("*")}
    assert repair_metadata(heatmap_store) == []
    assert {file: file.stat().st_mtime_ns for file in heatmap_store.rglob("*")} == before


def test_a_change_that_was_killed_half_way_is_carried_through(heatmap_store):
    """The copy is written first: where both are sound and differ, it is the newer one."""
    complete = (heatmap_store / "zarr.json").read_bytes()
    without_fidelity(heatmap_store)
    (heatmap_store / "crop_id/group.json").write_bytes(complete)
    repair_metadata(heatmap_store)
    assert (heatmap_store / "zarr.json").read_bytes() == complete


@pytest.mark.parametrize("place", ["zarr.json", "crop_id/group.json"])
def test_another_cells_description_is_not_believed(heatmap_store, table, tmp_path, place):
    whole = files(heatmap_store)
    other = tmp_path / "other.zarr"
    extract_cell(FakeTeacher(provenance={"weights": 2}), table, other, EXTRACT, RUNTIME)
    shutil.copy(other / place, heatmap_store / place)
    repair_metadata(heatmap_store)
    assert files(heatmap_store) == whole


def test_with_both_descriptions_gone_nothing_is_guessed(heatmap_store):
    _flip(heatmap_store / "zarr.json")
    _flip(heatmap_store / "crop_id/group.json")
    before = files(heatmap_store)
    for look in (verify_store, repair_metadata):
        with pytest.raises(KDError, match="both damaged.*restore either file from a copy.*compute it again"):
            look(heatmap_store)
    assert files(heatmap_store) == before


def test_a_folder_in_a_files_place_is_left_alone(heatmap_store):
    (heatmap_store / "zarr.json").unlink()
    (heatmap_store / "zarr.json").mkdir()
    with pytest.raises(DamagedMetadata, match="is a folder, but a file was wanted"):
        open_store(heatmap_store)
    with pytest.raises(KDError, match="move it away"):
        repair_metadata(heatmap_store)


def test_a_store_of_a_later_format_is_not_taken_back_to_this_one(heatmap_store):
    later = open_store(heatmap_store).attributes | {"format_version": 99}
    (heatmap_store / "zarr.json").write_bytes(metadata_files(later)["zarr.json"])
    before = files(heatmap_store)
    for look in (verify_store, repair_metadata):
        with pytest.raises(KDError, match="store format 99, but this kd-pipeline reads format"):
            look(heatmap_store)
    assert files(heatmap_store) == before


def test_repair_leaves_shards_that_were_never_there_to_another_time(heatmap_store, table):
    whole = shard_files(heatmap_store)
    for file in heatmap_store.glob("*/c.2*"):
        file.unlink()
    without_fidelity(heatmap_store)
    _flip(heatmap_store / "map/c.0.0.0.0")
    report = _extract(heatmap_store, table, only_damaged=True)
    assert (report.shards_written, report.shards_kept) == (1, 1)
    assert [shard.index for shard in open_store(heatmap_store).missing()] == [2]
    assert "fidelity" not in open_store(heatmap_store).attributes
    _extract(heatmap_store, table)
    assert shard_files(heatmap_store) == whole
