"""Stores appear whole, are never overwritten unasked, and take shards whole or not at all."""

import errno
import json
import multiprocessing
import os

import numpy as np
import pytest
import torch
import zarr
from fake_cell import EXTRACT, RUNTIME, FakeTeacher, shard_files

from pipeline.errors import KDError
from pipeline.extraction.extract import extract_cell
from pipeline.files import durable
from pipeline.store.format.cell import CellSpec, group_metadata
from pipeline.store.format.rows import CellRows, HeatmapRows, RowKeys
from pipeline.store.store import open_store
from pipeline.store.write import writer
from pipeline.store.write.writer import StoreWriter, create_store


@pytest.fixture
def spec(table):
    return CellSpec.of(FakeTeacher(), table, EXTRACT)


@pytest.fixture
def store(spec, tmp_path):
    return create_store(tmp_path / "new" / "cell.zarr", spec)


def _rows(shard, value=1):
    count = len(shard)
    joints = np.full((count, 3), value, dtype=np.float32)
    return CellRows(
        keys=RowKeys(np.arange(shard.start, shard.stop), np.zeros(count, np.uint8), np.arange(count)),
        maps=HeatmapRows(np.full((count, 3, 16, 12), value, dtype=np.uint8), joints, joints),
        confidence_BK=joints,
        keypoints_BK2=np.zeros((count, 3, 2), dtype=np.float32),
        affine_B23=np.zeros((count, 2, 3)),
        drift_BK=joints.astype(np.float16),
        error_BK=joints.astype(np.float16),
        floor_BK=joints.astype(np.float16),
    )


def test_a_new_store_lacks_every_shard_and_is_a_zarr_group(store):
    assert [(s.start, s.stop) for s in store.missing()] == [(0, 4), (4, 8), (8, 10)]
    group = zarr.open_group(store.path, mode="r")
    assert group["map"].shape == (10, 3, 16, 12)
    assert group["map"].shards == (4, 3, 16, 12)
    assert group["map"].chunks == (1, 3, 16, 12)
    assert group["peak"].chunks == (4, 3)


def test_a_written_shard_is_no_longer_missing(store):
    with StoreWriter(store) as store_writer:
        shard = store.missing()[2]
        assert store_writer.write(shard, _rows(shard))
    assert [shard.index for shard in store.missing()] == [0, 1]
    assert zarr.open_group(store.path, mode="r")["confidence"][8:].tolist() == [[1.0] * 3] * 2
    assert not (store.path / ".partial").exists()


def test_a_shard_can_be_written_in_portions_but_not_short_or_over(store):
    shard = store.layout.shards[0]
    with StoreWriter(store) as store_writer:
        draft = store_writer.begin(shard)
        draft.append(_rows(store.layout.shards[2]))
        with pytest.raises(ValueError, match="2 rows for"):
            store_writer.publish(draft)
        with pytest.raises(ValueError, match=r"2 \+ 4 rows"):
            draft.append(_rows(shard))


def test_the_first_of_two_writers_wins(store):
    shard = store.layout.shards[0]
    with StoreWriter(store) as first, StoreWriter(open_store(store.path)) as second:
        assert first.write(shard, _rows(shard, 1))
        assert not second.write(shard, _rows(shard, 2))
    assert (zarr.open_group(store.path, mode="r")["map"][:4] == 1).all()


def test_a_writer_knows_of_others_that_live(store):
    (store.path / ".partial" / "dead").mkdir(parents=True)
    with StoreWriter(store) as first:
        assert first.is_alone
        with StoreWriter(open_store(store.path)) as second:
            assert not first.is_alone and not second.is_alone
        assert first.is_alone


def test_a_shards_seal_appears_last(store, monkeypatch):
    order = []
    monkeypatch.setattr(writer.os, "replace", lambda source, target: order.append(target.parent.name))
    with StoreWriter(store) as store_writer:
        store_writer.write(store.layout.shards[0], _rows(store.layout.shards[0]))
    assert order[-2:] == ["map", "seal"]
    assert len(order) == len(store.layout.arrays)


def test_a_stale_store_is_replaced_only_when_asked(heatmap_store, spec, table):
    other = CellSpec.of(FakeTeacher(provenance={"weights": 2}), table, EXTRACT)
    before = shard_files(heatmap_store)
    with pytest.raises(KDError, match="--replace-stale"):
        create_store(heatmap_store, other)
    assert shard_files(heatmap_store) == before
    fresh = create_store(heatmap_store, other, replace_stale=True)
    assert len(fresh.missing()) == 3
    assert fresh.provenance == other.provenance
    assert [p.name for p in heatmap_store.parent.iterdir()] == [heatmap_store.name]


def test_replacing_keeps_a_store_that_is_not_stale(heatmap_store, spec):
    before = shard_files(heatmap_store)
    create_store(heatmap_store, spec, replace_stale=True)
    assert shard_files(heatmap_store) == before


def test_a_writer_whose_store_was_replaced_stops(store, table):
    with StoreWriter(store) as store_writer:
        other = CellSpec.of(FakeTeacher(provenance={"weights": 2}), table, EXTRACT)
        create_store(store.path, other, replace_stale=True)
        with pytest.raises(KDError, match="was replaced by another run"):
            store_writer.write(store.layout.shards[0], _rows(store.layout.shards[0]))
    assert len(open_store(store.path).missing()) == 3


@pytest.mark.parametrize("replace_stale", [False, True])
@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("zarr.json", None, "zarr.json is missing.*store verify --repair"),
        ("zarr.json", b"{", "zarr.json is no JSON"),
        ("map/zarr.json", None, "map/zarr.json is missing"),
        ("map/zarr.json", b"{}", "map/zarr.json is not as it was written"),
    ],
)
def test_damaged_metadata_is_named_and_nothing_is_deleted(
    heatmap_store, spec, name, damage, message, replace_stale
):
    if damage is None:
        (heatmap_store / name).unlink()
    else:
        (heatmap_store / name).write_bytes(damage)
    before = shard_files(heatmap_store)
    with pytest.raises(KDError, match=message):
        create_store(heatmap_store, spec, replace_stale)
    assert shard_files(heatmap_store) == before


def test_a_changed_attribute_is_damage(heatmap_store):
    place = heatmap_store / "zarr.json"
    place.write_text(place.read_text().replace('"floor": 5', '"floor": 4'))
    with pytest.raises(KDError, match="its hash does not match"):
        open_store(heatmap_store)


def _as_format(store, version):
    metadata = json.loads((store / "zarr.json").read_text())
    other = group_metadata({**metadata["attributes"], "format_version": version})
    (store / "zarr.json").write_text(json.dumps(other))


def test_a_store_of_a_later_format_asks_for_an_update(heatmap_store, spec):
    _as_format(heatmap_store, 3)
    with pytest.raises(KDError, match=r"store format 3, but this kd-pipeline reads format 2. Update"):
        create_store(heatmap_store, spec, replace_stale=True)


def test_a_store_of_an_earlier_format_is_replaced_only_when_asked(heatmap_store, spec):
    _as_format(heatmap_store, 1)
    before = shard_files(heatmap_store)
    with pytest.raises(KDError, match=r"store format 1, of an earlier kd-pipeline.*--replace-stale"):
        create_store(heatmap_store, spec)
    assert shard_files(heatmap_store) == before
    assert create_store(heatmap_store, spec, replace_stale=True).missing()


def test_a_folder_that_is_no_store_is_left_alone(tmp_path, spec):
    (tmp_path / "cell.zarr").mkdir()
    (tmp_path / "cell.zarr/zarr.json").write_text(
        '{"zarr_format": 3, "node_type": "group", "attributes": {}}'
    )
    with pytest.raises(KDError, match="is not a store of kd-pipeline"):
        create_store(tmp_path / "cell.zarr", spec, replace_stale=True)


def test_an_empty_folder_becomes_a_store(tmp_path, spec):
    (tmp_path / "cell.zarr").mkdir()
    assert len(create_store(tmp_path / "cell.zarr", spec).missing()) == 3


def test_a_folder_that_cannot_be_written_is_named(tmp_path, spec):
    (tmp_path / "stores").write_text("a file where a folder should be")
    with pytest.raises(KDError, match=r"the output folder .*stores/fake cannot be written"):
        create_store(tmp_path / "stores" / "fake" / "cell.zarr", spec)


def test_a_full_disk_keeps_finished_shards_and_leaves_nothing_half_written(store, table, monkeypatch):
    written = []

    def fill_up(path, parts):
        written.append(path)
        if len(written) == 1 + len(store.layout.arrays) + 3:  # in the middle of the second shard
            path.write_bytes(b"torn")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        durable.write_durably(path, parts)

    for module in ("writer", "shard_writer"):
        monkeypatch.setattr(f"pipeline.store.write.{module}.write_durably", fill_up)
    with pytest.raises(KDError, match=r"no space left to write .*Make room on that disk.*missing shards"):
        extract_cell(FakeTeacher(), table, store.path, EXTRACT, RUNTIME)
    assert [shard.index for shard in store.missing()] == [1, 2]
    assert not (store.path / ".partial").exists()


def test_what_a_dead_writer_left_is_removed_and_a_living_ones_stays(store, spec):
    dead = store.path / ".partial" / "dead"
    dead.mkdir(parents=True)
    (dead / "map.c.0.0.0.0").write_bytes(b"half")
    with StoreWriter(store):
        create_store(store.path, spec)
        assert len(list((store.path / ".partial").iterdir())) == 1
        assert not dead.exists()


def test_a_store_half_made_by_a_killed_process_is_made_again(tmp_path, spec):
    (tmp_path / ".cell.zarr.0123").mkdir()
    (tmp_path / ".cell.zarr.0123/zarr.json").write_text("{")
    create_store(tmp_path / "cell.zarr", spec)
    assert [p.name for p in tmp_path.iterdir() if "cell" in p.name] == ["cell.zarr"]


def _extract(path, table, barrier):
    torch.set_num_threads(1)  # OpenMP's threads stay behind in the parent
    barrier.wait()
    extract_cell(FakeTeacher(delay_s=0.01), table, path, EXTRACT, RUNTIME)


def test_two_extractors_on_one_cell_end_with_the_store_of_one(table, tmp_path, heatmap_store):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    path = tmp_path / "both.zarr"
    processes = [context.Process(target=_extract, args=(path, table, barrier)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    assert shard_files(path) == shard_files(heatmap_store)
    assert not (path / ".partial").exists()
    assert open_store(path).attributes["fidelity"] == open_store(heatmap_store).attributes["fidelity"]
