import re
from pathlib import Path

import pytest

from student.ablation.ablation import Ablation

FOLDERS = [".", "stages/templates/real-sample", "stages/templates/adapt"]
EXAMPLES = [
    *(f"{folder}/ablation.yaml" for folder in [*FOLDERS, "stages/templates/coco-mpii"]),
    *(f"stages/templates/real-sample/{name}.yaml" for name in ("quick", "settings", "student")),
]
SHOWN_IN_A_COMMENT = re.compile(r"^( *)# (?= *[\w.]+: )", re.MULTILINE)
GRID = [
    "temperature=1,weight=0.5",
    "temperature=1,weight=1",
    "temperature=2,weight=0.5",
    "temperature=2,weight=1",
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_a_template_fit_its_params(example: str, repository: Path):
    path = repository / example
    assert Ablation.open(path, path.parent).runs()


@pytest.mark.parametrize("folder", FOLDERS)
def test_so_does_what_it_shows_in_comments(folder: str, repository: Path, tmp_path: Path):
    root = repository / folder
    text = (root / "ablation.yaml").read_text()
    (tmp_path / "ablation.yaml").write_text(SHOWN_IN_A_COMMENT.sub(r"\1", text))
    arms = [arm.name for arm in Ablation.open(tmp_path / "ablation.yaml", root).arms]
    assert arms[-4:] == GRID
