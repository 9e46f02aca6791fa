"""The fault table at a small size: every store comes out of every fault as an undisturbed one, byte for byte.

`python -m benchmarks.faults` is the same with more of everything. It forks, and so it gets a process of its
own: a child forked from one with threads, as tests leave them behind, may wait for ever for a lock of theirs.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TRIAL = """
import json, pathlib, sys, tempfile, torch
from benchmarks.faults.report import try_faults
from pipeline.store.store import Store

torch.set_num_threads(1)
asked = json.loads(sys.argv[1])
if asked.pop("blind"):
    Store.is_sealed = lambda store, array, shard, seal: True
with tempfile.TemporaryDirectory() as folder:  # one of the faults is another user, who must get in
    pathlib.Path(folder).chmod(0o755)
    report = try_faults(crops=48, seed=0, folder=pathlib.Path(folder), **asked)
summary = {"passed": report.passed, "table": report.table(), "again": report.kills.again}
print(json.dumps({**report.as_dict(), **summary}))
"""


def tried(repository: Path, **asked: Any) -> dict[str, Any]:
    command = [sys.executable, "-c", TRIAL, json.dumps({"blind": False, **asked})]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_no_fault_costs_a_crop(repository: Path):
    report = tried(repository, kills=6, flips=6, disks=1, trials=30)
    assert report["passed"], report["table"]
    kills = report["kills"]
    assert kills["kills"] >= 6 and len(kills["moments"]) > 2
    assert report["again"] <= kills["kills"] and kills["crops_lost"] == 0
    stores, every_file = report["table"].split("\n\n")
    assert len(stores.splitlines()) == 4 + len(report["mishaps"])
    assert len(every_file.splitlines()) == 2 + len(report["every_file"]["kinds"])
    assert report["every_file"]["trials"] >= 30


@pytest.mark.slow
def test_the_table_would_tell_of_a_store_that_is_blind_to_damage(repository: Path):
    report = tried(repository, kills=1, flips=4, disks=0, trials=0, blind=True)
    assert not report["passed"]
    assert report["flips"]["found"] < report["flips"]["flips"]
    assert "NO" in report["table"]
