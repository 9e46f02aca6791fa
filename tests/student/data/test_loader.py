"""Batches from workers."""

import os

import pytest
import torch
from torch.utils.data import Dataset

from pipeline.errors import KDError
from student.data.loader import BatchLoader, worker_count

CPU = torch.device("cpu")


class Squares(Dataset[list[int]]):
    def __getitem__(self, key: int) -> list[int]:
        if key == 13:
            raise KDError("thirteen is not to be had. Ask for another.")
        if key == 666:
            os._exit(1)
        return [key, key**2]


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_the_samplers_order_pass_after_pass(workers):
    loader = BatchLoader(Squares(), [3, 1, 2], workers, CPU)
    for _ in range(2):
        assert list(loader) == [[3, 9], [1, 1], [2, 4]]
    assert len(loader) == 3


@pytest.mark.parametrize("workers", [0, 1])
def test_a_users_error_keeps_its_message_alone(workers):
    with pytest.raises(KDError, match=r"^thirteen is not to be had\. Ask for another\.$"):
        list(BatchLoader(Squares(), [1, 13], workers, CPU))


def test_a_worker_that_died_is_reported_with_what_usually_kills_them():
    with pytest.raises(KDError, match="a process that loads images died.*memory ran out"):
        list(BatchLoader(Squares(), [1, 666], 1, CPU))


def test_auto_leaves_the_cpu_to_a_network_that_computes_there(monkeypatch):
    cores = len(os.sched_getaffinity(0))
    monkeypatch.setattr("torch.get_num_threads", lambda: 2)
    assert worker_count("auto", CPU) == max(1, cores // 4)
    assert worker_count("auto", torch.device("cuda")) == max(1, min(cores - 1, 16))
    assert worker_count(3, CPU) == 3
    monkeypatch.setattr("torch.get_num_threads", lambda: 1)
    assert worker_count("auto", CPU) == 0, "a process with one core has none to spare"
    assert worker_count("auto", torch.device("cuda")) > 0
