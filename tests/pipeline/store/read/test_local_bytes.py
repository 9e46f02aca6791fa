"""Parts of local files; files opened, but not for ever."""

import errno
import os

import pytest

from pipeline.errors import KDError
from pipeline.store.read import local_bytes
from pipeline.store.read.local_bytes import LocalBytes


@pytest.fixture
def folder(tmp_path):
    for number in range(10):
        (tmp_path / f"{number}").write_bytes(bytes([number]) * 8 + b"end")
    return tmp_path


def test_spans_come_in_the_order_asked_for(folder):
    spans = [("3", 7, 2), ("1", 0, 3), ("3", 7, 2)]
    assert LocalBytes(folder).read(spans) == [b"\x03e", b"\x01\x01\x01", b"\x03e"]


def test_ends_are_the_last_bytes(folder):
    assert LocalBytes(folder).read_ends(["3", "none", "1"], 4) == [b"\x03end", b"", b"\x01end"]


def test_a_missing_or_short_file_gives_fewer_bytes(folder):
    source = LocalBytes(folder)
    assert source.read([("none", 0, 3), ("2", 9, 100), ("2", 50, 2)]) == [b"", b"nd", b""]
    assert source.read_ends(["none", "2"], 100) == [b"", b"\x02" * 8 + b"end"]


def test_a_file_cut_short_while_it_is_open_gives_fewer_bytes(folder):
    source = LocalBytes(folder)
    source.read([("5", 0, 11)])
    os.truncate(folder / "5", 2)
    assert source.read([("5", 0, 11)]) == [b"\x05\x05"]


def test_no_more_files_stay_open_than_the_limit(folder):
    source = LocalBytes(folder)
    limit = local_bytes._opened.cache_parameters()["maxsize"]
    assert limit == 256
    for number in range(limit + 50):
        (folder / f"file{number}").write_bytes(b"x")
    before = len(os.listdir("/proc/self/fd"))
    assert source.read([(f"file{number}", 0, 1) for number in range(limit + 50)]) == [b"x"] * (limit + 50)
    assert len(os.listdir("/proc/self/fd")) - before <= limit


def test_a_later_reader_sees_the_file_that_took_anothers_place(folder):
    first = LocalBytes(folder)
    first.read([("0", 0, 1)])
    (folder / "new").write_bytes(b"new")
    os.replace(folder / "new", folder / "0")
    assert LocalBytes(folder).read([("0", 0, 3)]) == [b"new"]


def test_a_file_that_may_not_be_read_is_not_taken_for_damaged(folder, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(local_bytes, "_OpenFile", refuse)
    with pytest.raises(KDError, match="4 cannot be read: Permission denied. Put that right"):
        LocalBytes(folder).read([("4", 0, 1)])
