"""docs/conventions.md: its examples are loaded, and what it prints is what is printed."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.conventions.describe import describe_union
from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import build_union
from pipeline.errors import KDError
from pipeline.params import DatasetParams, SkeletonParams, parse_section

EXAMPLE = "conventions/studio11.yaml"


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "conventions.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def blocks(page: str) -> dict[str, str]:
    """The YAML examples, by their first key."""
    found = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    return {block.partition(":")[0]: block for block in found}


def written(folder: Path, block: str) -> Path:
    (folder / "conventions").mkdir(exist_ok=True)
    (folder / EXAMPLE).write_text(block, encoding="utf-8")
    return folder


def values(blocks: dict[str, str], key: str) -> dict[str, Any]:
    return yaml.safe_load(blocks[key])[key]


def test_every_example_is_one_of_those_that_are_tested_here(blocks: dict[str, str]):
    assert set(blocks) == {"datasets", "joints", "skeleton"}


def test_the_settings_are_valid(blocks: dict[str, str]):
    dataset = parse_section(DatasetParams, values(blocks, "datasets")["studio-train"], "docs/conventions.md")
    assert dataset.convention == EXAMPLE
    parse_section(SkeletonParams, values(blocks, "skeleton"), "docs/conventions.md")


def test_the_example_unites_with_coco_as_printed(page: str, blocks: dict[str, str], tmp_path: Path):
    root = written(tmp_path, blocks["joints"])
    both = [load_convention(name, root) for name in ("coco17", EXAMPLE)]
    printed = re.search(r"```\n(21 union joints.*?)\n```", page, re.DOTALL)
    assert printed is not None
    assert printed[1] == describe_union(build_union(both), both)


def test_without_its_line_new_the_example_is_taken_for_a_misspelling(blocks: dict[str, str], tmp_path: Path):
    root = written(tmp_path, re.sub("(?m)^new: .*$", "", blocks["joints"]))
    with pytest.raises(KDError, match="Did you mean 'left_finger'"):
        load_convention(EXAMPLE, root)
