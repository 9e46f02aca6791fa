"""Crops come in the order of the plans, and no worker outlives its parent."""

import multiprocessing
import os
import time

import numpy as np
import pytest
import torch
from fake_cell import FakeTeacher, make_table

from pipeline.datasets.image_files import decode_image
from pipeline.errors import KDError
from pipeline.extraction.crop_batches import CropBatches, plan_batches
from pipeline.extraction.crop_loader import load_batches
from pipeline.store.format.layout import Shard

CPU = torch.device("cpu")
SHARDS = [Shard(0, 0, 4), Shard(1, 4, 8), Shard(2, 8, 10)]
KEYS_OF = {shard: np.arange(shard.start, shard.stop) for shard in SHARDS}


@pytest.fixture
def batches(table):
    return CropBatches(table, FakeTeacher().crop)


def test_batches_never_cross_a_shard():
    planned = [(plan.shard.index, plan.key_B.tolist(), plan.last) for plan in plan_batches(KEYS_OF, 3)]
    assert planned == [
        (0, [0, 1, 2], False),
        (0, [3], True),
        (1, [4, 5, 6], False),
        (1, [7], True),
        (2, [8, 9], True),
    ]


@pytest.mark.parametrize("workers", [0, 1, 2, "auto"])
def test_crops_come_in_order_whatever_the_number_of_workers(batches, workers):
    plans = list(plan_batches(KEYS_OF, 3))
    loaded = list(load_batches(batches, plans, workers, CPU))
    assert [batch.plan.key_B.tolist() for batch in loaded] == [plan.key_B.tolist() for plan in plans]
    for batch in loaded:
        assert torch.equal(batch.request.images_BHW3, batches[batch.plan].request.images_BHW3)


def test_an_image_of_several_crops_is_decoded_once(batches, monkeypatch):
    decoded = []

    def decode_and_count(data, path):
        decoded.append(path)
        return decode_image(data, path)

    monkeypatch.setattr("pipeline.datasets.indexed_images.decode_image", decode_and_count)
    for plan in plan_batches(KEYS_OF, 3):
        batches[plan]
    assert len(decoded) == 5  # ten crops of five images


class _DeadlyBatches(CropBatches):
    def __getitem__(self, plan):
        os._exit(3)


def test_a_worker_that_dies_is_reported_with_what_to_do(table):
    batches = _DeadlyBatches(table, FakeTeacher().crop)
    with pytest.raises(
        KDError, match=r"a process that loads images died.*runtime.batch_size or runtime.workers"
    ):
        list(load_batches(batches, plan_batches(KEYS_OF, 3), 1, CPU))


class _ReportingBatches(CropBatches):
    queue: multiprocessing.Queue

    def __getitem__(self, plan):
        self.queue.put(os.getpid())
        return super().__getitem__(plan)


def _load_for_ever(batches):
    torch.set_num_threads(1)  # OpenMP's threads stay behind in the parent
    for _ in load_batches(batches, plan_batches(KEYS_OF, 1), 1, CPU):
        time.sleep(60)


def test_a_worker_leaves_when_its_parent_is_killed(tmp_path):
    context = multiprocessing.get_context("fork")
    batches = _ReportingBatches(make_table(tmp_path / "images"), FakeTeacher().crop)
    batches.queue = context.Queue()
    parent = context.Process(target=_load_for_ever, args=(batches,))
    parent.start()
    worker = batches.queue.get(timeout=60)
    parent.kill()
    parent.join()
    deadline = time.monotonic() + 30
    while _runs(worker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _runs(worker)


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
