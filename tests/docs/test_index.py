"""docs/index.md: its map is of the folders that there are."""

import re
import subprocess
from pathlib import Path, PurePosixPath

ONE_LINE = ("tests", "docs", "teachers", "data")
"""Whose folders are not listed."""


def drawn(page: str) -> list[str]:
    """The folders of the map, by their paths."""
    (block,) = re.findall(r"```\n(pipeline/.*?)```", page, re.DOTALL)
    folders: list[str] = []
    for indent, name in re.findall(r"^( *)([\w-]+)/ ", block, re.MULTILINE):
        folders.append(f"{folders_above(folders)}/{name}" if indent else name)
    return folders


def folders_above(folders: list[str]) -> str:
    return next(folder for folder in reversed(folders) if "/" not in folder)


def test_the_map_has_every_folder_of_two_levels_and_no_other(repository: Path):
    found = drawn((repository / "docs" / "index.md").read_text(encoding="utf-8"))
    listed = subprocess.run(["git", "ls-files"], cwd=repository, capture_output=True, text=True, check=True)
    parents = {PurePosixPath(file).parts[:-1][:2] for file in listed.stdout.splitlines()}
    there = {part[:1] if part[0] in ONE_LINE else part for part in parents if part and part[0][0] != "."}
    assert sorted(found) == sorted({"/".join(part) for part in there})
