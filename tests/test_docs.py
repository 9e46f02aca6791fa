"""What the documentation shows can be used."""

import re
from pathlib import Path

import pytest
import yaml

from pipeline.params import StudentParams, TrainParams, parse_section


def examples(repository: Path) -> list[dict]:
    text = (repository / "docs" / "students.md").read_text(encoding="utf-8")
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def test_every_example_of_a_student_is_valid(repository: Path):
    found = examples(repository)
    assert len(found) == 5
    for example in found:
        parse_section(StudentParams, example["student"], "docs/students.md")
        if "train" in example:
            parse_section(TrainParams, example["train"], "docs/students.md")


@pytest.mark.parametrize("page", ["students.md", "training.md"])
def test_links_between_pages_lead_somewhere(repository: Path, page: str):
    text = (repository / "docs" / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([\w./-]+\.md)\)", text):
        assert (repository / "docs" / target).is_file(), target
