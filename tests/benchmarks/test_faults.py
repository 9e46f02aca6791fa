"""The fault table at a small size: every store comes out of every fault as an undisturbed one, byte for byte.

`python -m benchmarks.faults` is the same with more of everything.
"""

import json
import tempfile
from pathlib import Path

import pytest
import torch

from benchmarks.faults.report import try_faults
from pipeline.store.store import Store


@pytest.fixture
def folder():
    """One of the faults is another user, whom pytest keeps out of its folders."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.slow
def test_no_fault_costs_a_crop(folder):
    report = try_faults(crops=48, kills=6, flips=6, disks=1, seed=0, folder=folder)
    assert report.passed, report.table()
    assert report.kills.kills >= 6 and len(report.kills.moments) > 2
    assert report.kills.again <= report.kills.kills
    assert json.loads(json.dumps(report.as_dict()))["kills"]["crops_lost"] == 0
    assert len(report.table().splitlines()) == 4 + len(report.mishaps)


@pytest.mark.slow
def test_the_table_would_tell_of_a_store_that_is_blind_to_damage(folder, monkeypatch):
    monkeypatch.setattr(Store, "is_sealed", lambda store, array, shard, seal: True)
    report = try_faults(crops=48, kills=1, flips=4, disks=0, seed=0, folder=folder)
    assert not report.passed
    assert report.flips.found < report.flips.flips
    assert "NO" in report.table()
