"""Some hundreds of wrong files of every kind: none ends in a traceback, and the table would show one.

`python -m benchmarks.mutations` is the same with thousands.
"""

import json
from random import Random

import pytest
import yaml

from benchmarks.mutations import trials
from benchmarks.mutations.mutate import MARK, mutated
from benchmarks.mutations.readers import READERS, Reader

KINDS = len({reader.kind for reader in READERS})


@pytest.mark.slow
def test_no_wrong_file_ends_in_a_traceback(tmp_path):
    report = trials.try_mutations(170, 7, tmp_path)
    assert report.passed, report.table()
    assert len(report.counts) == KINDS and report.count("accepted") + report.count("refused") == 170
    assert report.count("accepted") > 50 and report.count("refused") > 50
    assert len(report.table().splitlines()) == KINDS + 1


def test_a_reader_that_trusts_its_file_is_reported_with_the_file(tmp_path, monkeypatch):
    def trusting(root):
        for person in json.loads((root / "coco.json").read_bytes())["annotations"]:
            sum(person["bbox"])

    monkeypatch.setattr(trials, "READERS", (Reader("trusting", "coco.json", "json", trusting),))
    report = trials.try_mutations(40, 0, tmp_path)
    assert not report.passed and report.count("traceback") > 5
    results = report.as_dict()
    assert results["traceback"] == len(results["tracebacks"]) == results["by_file"]["trusting"]["traceback"]
    assert "trusting: " in report.table() and any("bbox" in entry["file"] for entry in results["tracebacks"])


@pytest.mark.parametrize("syntax", ["json", "yaml"])
def test_a_seed_gives_the_same_files_and_most_differ_from_the_valid_one(syntax):
    value = {"a": [1, {"b": "x"}], "c": 2.5}
    text = json.dumps(value) if syntax == "json" else yaml.safe_dump(value)
    first, second = ([mutated(text, syntax, Random(seed)) for seed in range(200)] for _ in range(2))
    assert first == second
    assert sum(data != text.encode() for data in first) > 180
    assert not any(MARK.split("{")[0].encode() in data for data in first)
