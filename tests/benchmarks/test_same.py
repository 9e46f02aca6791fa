"""What the fingerprint of a refactoring sees, and what it passes over."""

import json

from benchmarks.same import different, hash_of


def write_store(folder, created_at, rows):
    (folder / "map").mkdir(parents=True)
    attributes = {"created_at": created_at, "attributes_sha256": created_at, "segments": [2]}
    (folder / "zarr.json").write_text(json.dumps({"attributes": attributes}))
    (folder / "map" / "c.0").write_bytes(rows)
    return hash_of(folder, folder.rglob("*"))


def test_the_date_of_a_store_is_passed_over_and_one_byte_of_it_is_not(tmp_path):
    first = write_store(tmp_path / "a", "today", b"rows")
    assert write_store(tmp_path / "b", "tomorrow", b"rows") == first
    assert write_store(tmp_path / "c", "today", b"rowz") != first


def test_files_that_change_places_are_seen(tmp_path):
    for name, content in (("a", b"1"), ("b", b"2")):
        (tmp_path / name).write_bytes(content)
    before = hash_of(tmp_path, tmp_path.iterdir())
    (tmp_path / "a").write_bytes(b"2")
    (tmp_path / "b").write_bytes(b"1")
    assert hash_of(tmp_path, tmp_path.iterdir()) != before


def test_everything_that_differs_or_is_missing_gets_a_line():
    recorded = {"losses": ["1.0", "0.5"], "student": "ab", "gone": "x"}
    found = {"losses": ["1.0", "0.4"], "student": "ab", "new": "y"}
    assert different("demo", recorded, found) == [
        "demo: gone differs",
        "demo: losses differs",
        "demo: new differs",
    ]
    assert different("demo", None, found) == []
