"""Damage to the files that a run reads, a few trials of each kind; `python -m benchmarks.faults` is more."""

from random import Random

import numpy as np
import pytest
import torch

from benchmarks.faults.every_file import EveryFileTally, damage_kind, damaged, digest
from benchmarks.faults.file_kinds import FileKind, file_kinds
from benchmarks.faults.small_workspace import make_small_workspace
from student.calibration import teacher_calibration as calibration


@pytest.fixture(scope="module")
def kinds(tmp_path_factory) -> dict[str, FileKind]:
    return {kind.name: kind for kind in file_kinds(make_small_workspace(tmp_path_factory.mktemp("small")))}


@pytest.mark.slow
def test_damage_to_any_file_is_noticed_or_harmless(kinds):
    tally = EveryFileTally({name: damage_kind(kind, 3, Random(name)) for name, kind in kinds.items()})
    assert tally.passed, tally.table()
    assert tally.trials == 3 * len(kinds)
    assert sum(kind.noticed for kind in tally.kinds.values()) > tally.trials / 2


@pytest.mark.slow
def test_a_reader_that_is_blind_to_damage_would_be_caught(kinds, monkeypatch):
    monkeypatch.setattr(calibration, "check_seal", lambda values: None)
    tally = damage_kind(kinds["calibrations"], 60, Random(0))
    assert tally.silent > 0
    report = EveryFileTally({"calibrations": tally})
    assert not report.passed
    assert "silent" in report.table() and ".json, " in report.table()


@pytest.mark.slow
def test_a_reader_that_fails_in_another_way_would_be_caught(kinds):
    def read() -> bytes:
        return kinds["a convention"].files[0].read_bytes().decode("ascii").partition("joints:")[2][0].encode()

    tally = damage_kind(FileKind("torn", kinds["a convention"].files, read), 40, Random(0))
    assert 0 < tally.tracebacks < 40
    assert "Traceback" in EveryFileTally({"torn": tally}).table()


def test_what_was_damaged_is_sound_again_afterwards(tmp_path):
    files = (tmp_path / "a.bin", tmp_path / "b.bin")
    for number, file in enumerate(files):
        file.write_bytes(bytes([number + 1]) * 10_000)
    before, seen = [file.read_bytes() for file in files], set()
    random = Random(0)
    for _ in range(60):
        with damaged(files, random) as damage:
            seen.add(damage.split()[-1])
            assert [file.read_bytes() for file in files] != before
        assert [file.read_bytes() for file in files] == before
    assert {"flipped", "zeroed", "bytes", "place"} <= seen


def test_a_digest_is_of_values_and_of_nothing_else():
    value = {"a": [1, (2.0, "x")], "b": np.arange(4)}
    assert digest(value) == digest({"a": [1, (2.0, "x")], "b": np.arange(4)})
    assert digest(value) != digest({"a": [1, (2.0, "x")], "b": np.arange(4.0)})
    assert digest(torch.arange(3)) == digest(np.arange(3))
    assert digest(["ab"]) != digest(["a", "b"])
