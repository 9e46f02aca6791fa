"""Files that are whole or not there."""

import errno
import os

import pytest

from pipeline.errors import KDError
from pipeline.files.atomic import remove_unfinished, replacing, replacing_entries, write_atomically


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EIO])
def test_a_write_that_fails_keeps_the_old_file_and_leaves_nothing_else(tmp_path, monkeypatch, code):
    path = write_atomically(tmp_path / "numbers.json", "old")

    def broken(descriptor):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(KDError, match=f"numbers.json.*{os.strerror(code)}.*is unchanged"):
        write_atomically(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_body_that_fails_keeps_the_old_file(tmp_path):
    path = write_atomically(tmp_path / "numbers.json", "old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_other_names_of_the_file_keep_what_they_have(tmp_path):
    cache = write_atomically(tmp_path / "cache", "old")
    os.link(cache, tmp_path / "hard")
    (tmp_path / "soft").symlink_to(cache)
    for name in ("hard", "soft"):
        write_atomically(tmp_path / name, "new")
        assert (tmp_path / name).read_text() == "new" and cache.read_text() == "old"


def test_a_name_as_long_as_file_systems_allow_can_be_written(tmp_path):
    path = write_atomically(tmp_path / ("n" * 250 + ".json"), b"bytes")
    assert path.read_bytes() == b"bytes"


def test_a_folder_in_the_files_place_is_refused(tmp_path):
    (tmp_path / "numbers.json").mkdir()
    with pytest.raises(KDError, match="numbers.json cannot be written"):
        write_atomically(tmp_path / "numbers.json", "new")


def test_entries_are_replaced_together_or_not_at_all(tmp_path):
    (tmp_path / "pictures").mkdir()
    for name in ("pictures/old", "table", "gone", "beside"):
        (tmp_path / name).write_text("old")
    before, names = {path.name for path in tmp_path.iterdir()}, ("pictures", "table", "gone")
    with (
        pytest.raises(ZeroDivisionError),
        replacing_entries(tmp_path, names) as draft,
    ):
        (draft / "table").write_text("new")
        raise ZeroDivisionError
    assert {path.name for path in tmp_path.iterdir()} == before and (tmp_path / "table").read_text() == "old"
    with replacing_entries(tmp_path, names) as draft:
        (draft / "pictures").mkdir()
        (draft / "pictures" / "new").write_text("new")
        (draft / "table").write_text("new")
        (draft / "not named").write_text("new")
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert (
        found == {"pictures/new", "table", "beside", "not named"}
        and (tmp_path / "table").read_text() == "new"
    )


def test_a_link_in_an_entry_s_place_goes_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "picture").write_text("mine")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "pictures").symlink_to(tmp_path / "elsewhere")
    with replacing_entries(tmp_path / "results", ("pictures",)) as draft:
        (draft / "pictures").mkdir()
    assert list((tmp_path / "results" / "pictures").iterdir()) == []
    assert (tmp_path / "elsewhere" / "picture").read_text() == "mine"


def test_what_a_killed_writer_left_goes_and_the_rest_stays(tmp_path):
    names = ("last.pt", ".last.pt.3f.tmp", ".other.pt.3f.tmp")
    for name in names:
        (tmp_path / name).write_text(name)
    remove_unfinished(tmp_path / "last.pt")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.pt.3f.tmp", "last.pt"]
