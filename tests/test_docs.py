"""What the documentation shows can be used."""

import re
from pathlib import Path

import yaml

from pipeline.params import DatasetParams, StudentParams, TrainParams, ValidationParams, parse_section


def examples(repository: Path) -> list[dict]:
    text = (repository / "docs" / "students.md").read_text(encoding="utf-8")
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def test_every_example_of_a_student_is_valid(repository: Path):
    found = examples(repository)
    assert len(found) == 6
    for example in found:
        parse_section(StudentParams, example["student"], "docs/students.md")
        if "train" in example:
            parse_section(TrainParams, example["train"], "docs/students.md")


def test_every_example_of_adaptation_is_valid(repository: Path):
    text = (repository / "docs" / "adaptation.md").read_text(encoding="utf-8")
    datasets, train = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL))
    parse_section(DatasetParams, datasets["datasets"]["target"], "docs/adaptation.md")
    parse_section(ValidationParams, train["train"]["validation"], "docs/adaptation.md")
