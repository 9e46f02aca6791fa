"""Locks end with the process that holds them, whatever it had forked."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from pipeline.files.durable import Session, remove_dead_sessions, taking_turns

FORK = multiprocessing.get_context("fork")


def _hold(folder, ready):
    """Lock, then fork a worker that outlives this process."""
    Session(folder)
    with taking_turns(folder):
        FORK.Process(target=time.sleep, args=(30,), daemon=True).start()
        ready.set()
        time.sleep(60)


def _killed_holder(folder):
    ready = FORK.Event()
    holder = FORK.Process(target=_hold, args=(folder, ready))
    holder.start()
    assert ready.wait(20)
    children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
    holder.kill()
    holder.join()
    return [int(child) for child in children]


@pytest.fixture
def orphans(tmp_path):
    """Processes whose parent was killed while it held the locks on `tmp_path`."""
    pids = _killed_holder(tmp_path)
    yield pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def _take(folder, taken):
    with taking_turns(folder) as alone:
        taken.value = alone


def test_a_worker_does_not_hold_on_to_its_killed_parents_locks(tmp_path, orphans):
    assert len(orphans) == 1
    taken = FORK.Value("b", False)
    other = FORK.Process(target=_take, args=(tmp_path, taken))
    other.start()
    other.join(10)
    assert taken.value
    remove_dead_sessions(tmp_path)
    assert not (tmp_path / ".partial").exists()
