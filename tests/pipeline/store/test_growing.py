"""A cell grows with its dataset, and its finished shards are never touched."""

import dataclasses
import os

import numpy as np
import pytest
import zarr
from fake_cell import EXTRACT, RUNTIME, FakeTeacher, make_table, shard_files

from pipeline.datasets.crop_table import CropTable
from pipeline.extraction.extract import extract_cell
from pipeline.params import ViewsParams
from pipeline.store.format.layout import NO_CROP
from pipeline.store.store import open_store
from pipeline.store.write.row_plan import wanted_keys

PER_ROW = [
    f.name
    for f in dataclasses.fields(CropTable)
    if f.name not in ("dataset", "convention", "images_root", "joints", "sources")
]
SAMPLED = 8


def rows_of(table: CropTable, rows: list[int]) -> CropTable:
    taken = {
        name: [values[r] for r in rows] if isinstance(values := getattr(table, name), list) else values[rows]
        for name in PER_ROW
    }
    return dataclasses.replace(table, **taken)


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """Sixteen crops, the first ten of which are a smaller table's."""
    return make_table(tmp_path_factory.mktemp("grown"), num_crops=16)


@pytest.fixture
def small(grown):
    return rows_of(grown, list(range(10)))


def _extract(table, path, views=0, teacher=None):
    extract = EXTRACT.model_copy(update={"views": ViewsParams(count=views)})
    return extract_cell(teacher or FakeTeacher(), table, path, extract, RUNTIME)


def _maps_by_crop(path):
    group = zarr.open_group(path, mode="r")
    keys = zip(group["crop_id"][:].tolist(), group["view"][:].tolist(), strict=True)
    return {key: group["map"][row].tobytes() for row, key in enumerate(keys) if key[0] != NO_CROP}


def test_new_crops_go_into_shards_of_their_own(small, grown, tmp_path):
    _extract(small, tmp_path / "s.zarr")
    before = shard_files(tmp_path / "s.zarr")
    teacher = FakeTeacher()
    report = _extract(grown, tmp_path / "s.zarr", teacher=teacher)
    after = shard_files(tmp_path / "s.zarr")
    assert (report.crops, report.shards_written, report.shards_kept) == (6, 2, 3)
    assert teacher.answered == 6 + SAMPLED
    assert {name: after[name] for name in before} == before
    store = open_store(tmp_path / "s.zarr")
    assert [(shard.start, shard.stop) for shard in store.layout.shards] == [
        (0, 4), (4, 8), (8, 10), (12, 16), (16, 18)
    ]  # fmt: skip
    assert store.attributes["segments"] == [10, 6]
    assert store.attributes["crop_table_sha256"] == grown.sha256
    assert store.column("crop_id")[[10, 11]].tolist() == [NO_CROP, NO_CROP]


def test_a_grown_store_holds_what_one_made_at_once_does(small, grown, tmp_path):
    _extract(small, tmp_path / "grown.zarr")
    _extract(grown, tmp_path / "grown.zarr")
    _extract(grown, tmp_path / "once.zarr")
    assert _maps_by_crop(tmp_path / "grown.zarr") == _maps_by_crop(tmp_path / "once.zarr")
    assert len(_maps_by_crop(tmp_path / "once.zarr")) == 16


def test_the_order_of_the_crops_does_not_matter(small, tmp_path):
    _extract(small, tmp_path / "s.zarr")
    assert _extract(rows_of(small, list(range(9, -1, -1))), tmp_path / "s.zarr").crops == 0


def test_crops_taken_out_leave_everything_as_it_is(small, tmp_path):
    _extract(small, tmp_path / "s.zarr")
    before = shard_files(tmp_path / "s.zarr")
    assert _extract(rows_of(small, [0, 4, 5]), tmp_path / "s.zarr").crops == 0
    assert shard_files(tmp_path / "s.zarr") == before
    assert open_store(tmp_path / "s.zarr").attributes["crops"] == 3


def test_a_changed_box_is_another_crop_and_the_old_answer_is_kept_but_not_taken_for_it(small, tmp_path):
    _extract(small, tmp_path / "s.zarr")
    bbox = small.bbox.copy()
    bbox[3] += 1
    changed = dataclasses.replace(small, bbox=bbox)
    report = _extract(changed, tmp_path / "s.zarr")
    assert report.crops == 1
    store = open_store(tmp_path / "s.zarr")
    assert (store.column("crop_id") == small.crop_id[3]).sum() == 2
    _extract(changed, tmp_path / "once.zarr")
    group, once = (zarr.open_group(tmp_path / name, mode="r") for name in ("s.zarr", "once.zarr"))
    row = int(
        np.flatnonzero(store.column("fingerprint") == wanted_keys(changed, ViewsParams()).fingerprint_B[3])[0]
    )
    assert np.array_equal(group["map"][row], once["map"][3])


def test_a_damaged_shard_of_a_grown_store_is_made_again_with_the_same_bytes(small, grown, tmp_path):
    _extract(small, tmp_path / "s.zarr")
    _extract(grown, tmp_path / "s.zarr")
    whole = shard_files(tmp_path / "s.zarr")
    for name in ("map/c.2.0.0.0", "crop_id/c.3"):
        (tmp_path / "s.zarr" / name).write_bytes(b"torn")
    assert _extract(grown, tmp_path / "s.zarr").shards_written == 2
    assert shard_files(tmp_path / "s.zarr") == whole


def test_crops_that_left_before_their_shard_was_made_leave_rows_without_a_crop(small, tmp_path):
    _extract(small, tmp_path / "s.zarr")
    (tmp_path / "s.zarr/map/c.1.0.0.0").unlink()
    (tmp_path / "s.zarr/map/c.2.0.0.0").unlink()
    _extract(rows_of(small, [0, 1, 2, 3, 5]), tmp_path / "s.zarr")
    crop_id = open_store(tmp_path / "s.zarr").column("crop_id")
    assert crop_id[4] == small.crop_id[5]
    assert (crop_id[5:] == NO_CROP).all()
    assert open_store(tmp_path / "s.zarr").missing() == []


def test_an_extension_cut_short_before_the_group_knew_of_it_changes_nothing(
    small, grown, tmp_path, monkeypatch
):
    _extract(small, tmp_path / "s.zarr")
    replace = os.replace

    def die_at_the_group(source, target):
        if target == tmp_path / "s.zarr/zarr.json":
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "replace", die_at_the_group)
        _extract(grown, tmp_path / "s.zarr")
    store = open_store(tmp_path / "s.zarr")
    assert (store.missing(), store.attributes["segments"]) == ([], [10])
    _extract(grown, tmp_path / "s.zarr")
    assert len(_maps_by_crop(tmp_path / "s.zarr")) == 16


def test_views_are_added_to_a_store_of_plain_crops_without_touching_it(small, tmp_path):
    _extract(small, tmp_path / "s.zarr")
    before = shard_files(tmp_path / "s.zarr")
    report = _extract(small, tmp_path / "s.zarr", views=2)
    assert report.crops == 20
    after = shard_files(tmp_path / "s.zarr")
    assert {name: after[name] for name in before} == before
    assert sorted(set(_maps_by_crop(tmp_path / "s.zarr"))) == sorted(
        (crop_id, view) for crop_id in small.crop_id.tolist() for view in range(3)
    )
    assert _extract(small, tmp_path / "s.zarr", views=1).crops == 0
