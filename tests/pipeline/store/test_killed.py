"""A killed extraction loses at most the shard in flight, and ends with the bytes of an undisturbed one."""

import multiprocessing
import random
import time
from pathlib import Path

import pytest
import torch
from fake_cell import EXTRACT, RUNTIME, FakeTeacher, make_table, shard_files

from pipeline.datasets.crop_table import CropTable
from pipeline.store.extract import ExtractionReport, extract_cell
from pipeline.store.store import Store, open_store
from pipeline.store.verify import verify_store

KILLS = 20
CROPS = 40
_RUNTIME = RUNTIME.model_copy(update={"workers": 1, "batch_size": 2})


def _extract(table: CropTable, store: Path, delay_s: float = 0.0) -> ExtractionReport:
    return extract_cell(FakeTeacher(delay_s=delay_s), table, store, EXTRACT, _RUNTIME)


def _extract_in_child(table: CropTable, store: Path) -> None:
    torch.set_num_threads(1)  # OpenMP's threads stay behind in the parent
    _extract(table, store, delay_s=0.02)


def _whole(store: Store) -> int:
    return len(store.layout.shards) - len(store.missing())


@pytest.mark.slow
def test_an_extraction_killed_at_random_moments_ends_with_the_same_bytes(tmp_path):
    table = make_table(tmp_path / "images", num_crops=CROPS)
    _extract(table, tmp_path / "undisturbed.zarr")
    undisturbed = open_store(tmp_path / "undisturbed.zarr")

    path, moments, whole, survived = tmp_path / "killed.zarr", random.Random(0), 0, set()
    for _ in range(KILLS):
        child = multiprocessing.get_context("fork").Process(target=_extract_in_child, args=(table, path))
        child.start()
        time.sleep(moments.uniform(0.0, 0.4))
        child.kill()
        child.join()
        if path.exists():
            assert _whole(open_store(path)) >= whole
            whole = _whole(open_store(path))
            survived.add(whole)
        if whole == len(undisturbed.layout.shards):
            break
    assert len(survived) > 1, "no kill hit an extraction at work"
    report = _extract(table, path)

    assert report.crops == CROPS - whole * EXTRACT.shard_size
    assert shard_files(path) == shard_files(undisturbed.path)
    assert verify_store(path).sound
    assert open_store(path).attributes["fidelity"] == undisturbed.attributes["fidelity"]
