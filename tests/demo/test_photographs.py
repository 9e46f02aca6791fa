"""Only photographs that may be shown are drawn, with where they are from."""

import importlib.util
import json
from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner
from lamp_workspace import kd, write_params, write_people, write_teacher

LICENCES = [
    {"id": 2, "name": "Attribution-NonCommercial License"},
    {"id": 4, "name": "Attribution License"},
    {"id": 6, "name": "Attribution-NoDerivs License"},
]


@pytest.fixture
def draw(repository: Path, tmp_path: Path):
    """Runs the script on a workspace of three photographs, each with one person and these licences."""
    spec = importlib.util.spec_from_file_location("photographs", repository / "demo" / "photographs.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    write_people(tmp_path)
    write_teacher(tmp_path / "teachers" / "lamp")
    write_params(tmp_path, lambda params: params.update(distill={"weight": 0}))
    kd(tmp_path, "index-datasets")
    kd(tmp_path, "train-student")
    out = tmp_path / "picture.jpg"

    def run(*licences: int, joints: int = 13):
        path = tmp_path / "people.json"
        value = json.loads(path.read_text()) | {"licenses": LICENCES}
        for image, licence in zip(value["images"], licences, strict=True):
            image |= {"license": licence, "flickr_url": f"http://photos/{image['id']}.jpg"}
        path.write_text(json.dumps(value))
        kd(tmp_path, "index-datasets")
        options = ["--workspace", str(tmp_path), "--dataset", "street-train", "--out", str(out)]
        return CliRunner().invoke(script.main, [*options, "--joints", str(joints)]), out

    return run


def test_every_person_who_may_be_shown_two_to_a_row(draw):
    done, out = draw(2, 4, 6)
    assert "1 people on 1 photographs" in done.output, done.output
    one = cv2.imread(str(out)).shape
    done, out = draw(2, 4, 4)
    assert "2 people on 2 photographs" in done.output
    assert cv2.imread(str(out)).shape[0] < 1.2 * one[0]
    done, out = draw(4, 4, 4)
    assert "3 people on 3 photographs" in done.output
    assert cv2.imread(str(out)).shape[0] > 1.8 * one[0]


def test_no_person_to_show_is_an_error_and_nothing_is_written(draw):
    done, out = draw(2, 2, 6)
    assert done.exit_code == 1 and "no person with 13 labelled joints is on a photograph" in done.output
    assert not out.exists()
    assert draw(4, 4, 4, joints=18)[0].exit_code == 1
