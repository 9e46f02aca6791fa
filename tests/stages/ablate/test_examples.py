import re
from pathlib import Path

import pytest

from student.ablation.ablation import Ablation

FOLDERS = [".", "stages/templates/real-sample", "stages/templates/adapt"]
SHOWN_IN_A_COMMENT = re.compile(r"^( *)# (?= *[\w.]+: )", re.MULTILINE)
GRID = [
    "temperature=1,weight=0.5",
    "temperature=1,weight=1",
    "temperature=2,weight=0.5",
    "temperature=2,weight=1",
]


@pytest.mark.parametrize("folder", [*FOLDERS, "stages/templates/coco-mpii"])
def test_the_example_of_a_template_fits_its_params(folder: str, repository: Path):
    root = repository / folder
    assert Ablation.open(root / "ablation.yaml", root).runs()


@pytest.mark.parametrize("folder", FOLDERS)
def test_so_does_what_it_shows_in_comments(folder: str, repository: Path, tmp_path: Path):
    root = repository / folder
    text = (root / "ablation.yaml").read_text()
    (tmp_path / "ablation.yaml").write_text(SHOWN_IN_A_COMMENT.sub(r"\1", text))
    arms = [arm.name for arm in Ablation.open(tmp_path / "ablation.yaml", root).arms]
    assert arms[-4:] == GRID
