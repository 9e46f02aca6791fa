"""Boxes without a detector, and what the command refuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from lamp_workspace import write_people

from stages.cli import main


def run(*arguments: object):
    return CliRunner().invoke(main, ["detect-people", *map(str, arguments)])


def test_pictures_of_one_person_need_no_detector(tmp_path: Path):
    write_people(tmp_path)
    out = tmp_path / "boxes.json"
    result = run(tmp_path / "images", "--whole-pictures", "--out", out)
    assert result.exit_code == 0 and "3 people in 3 images" in result.output
    assert [(e["file_name"], e["bbox"]) for e in json.loads(out.read_text())] == [
        (f"{number}.png", [0, 0, 48, 64]) for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "no detector is named."),
        (["--config", "mmdet::some.py"], "no detector is named."),
        (
            ["--whole-pictures", "--config", "mmdet::some.py"],
            "--whole-pictures needs no detector, but one is",
        ),
    ],
)
def test_one_way_of_finding_people_is_asked_for(tmp_path: Path, options: list[str], message: str):
    result = run(tmp_path, *options, "--out", tmp_path / "boxes.json")
    assert result.exit_code == 2 and message in result.output
    assert not (tmp_path / "boxes.json").exists()
