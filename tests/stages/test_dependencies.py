"""What a number depends on: each thing is changed by itself, and all that used it must notice."""

import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from lamp_workspace import kd, refused, write_params, write_people, write_teacher

from pipeline.workspace import Workspace
from stages.workspaces.dvc_file import named_files, watch_named_files
from student.ablation.runs.data_identity import data_identity
from student.training.checkpoint import MEANINGS, changes

CONVENTION = "own/coco_of_ours.yaml"
SETTINGS = {"epochs": 1, "batch_size": 2, "datasets": ["street-train"]}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """Indexed, extracted, trained and evaluated, with a convention of its own."""
    folder = tmp_path_factory.mktemp("trained")
    write_people(folder)
    write_teacher(folder / "teachers/lamp")
    (folder / "own").mkdir()
    shutil.copy(repository / "pipeline/conventions/builtin/coco17.yaml", folder / CONVENTION)

    def change(params: dict) -> None:
        params["datasets"]["street-train"] |= {"convention": CONVENTION, "boxes": "boxes.json"}
        params["skeleton"] = {"conventions": [CONVENTION]}

    people = json.loads((folder / "people.json").read_text())["annotations"]
    boxes = [{"image_id": p["image_id"], "category_id": 1, "bbox": p["bbox"], "score": 0.9} for p in people]
    (folder / "boxes.json").write_text(json.dumps(boxes))
    write_params(folder, change)
    shutil.copy(repository / "dvc.yaml", folder)
    for command in ("index-datasets", "extract-teachers", "train-student", "evaluate"):
        kd(folder, command)
    return folder


@pytest.fixture
def workspace(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "workspace"))


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_nothing_changed_nothing_is_done_again(workspace):
    assert "1 of them done before" in kd(workspace, "train-student")
    assert "complete already" in kd(workspace, "extract-teachers")
    (warning,) = (line for line in kd(workspace, "evaluate").splitlines() if "Warning" in line)
    assert "of 3 pictures of street-train, which is evaluated on, some are trained on" in warning


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sigma: 0.026", "sigma: 0.027"),
        ("weight: 1.2", "weight: 1.3"),
        ("[left_hip, right_hip]", "[nose, right_hip]"),
    ],
)
def test_what_a_convention_means_is_part_of_a_training_and_of_an_ablation(workspace, old, new):
    before = data_identity(Workspace.open(workspace))
    rewrite(workspace / CONVENTION, old, new)
    assert f"is of another training (data.joint conventions.{CONVENTION}: " in kd(workspace, "train-student")
    after = data_identity(Workspace.open(workspace))
    assert after["train"][MEANINGS] != before["train"][MEANINGS]
    assert after[MEANINGS] != before[MEANINGS]


def test_where_nobody_wrote_down_what_conventions_mean_nothing_is_trained_again(workspace):
    now = data_identity(Workspace.open(workspace))
    before = {name: value for name, value in now.items() if name != MEANINGS}
    before["train"] = {name: value for name, value in now["train"].items() if name != MEANINGS}
    assert changes(before, now) == [] and changes(now, now) == []
    assert changes(now, before) != []


def test_another_convention_of_the_same_joints_is_another_crop_table(workspace):
    shutil.copy(workspace / CONVENTION, workspace / "own/other.yaml")
    path = workspace / "params.yaml"
    path.write_text(path.read_text().replace(CONVENTION, "own/other.yaml"))
    message = f"made with {CONVENTION}, but params.yaml names own/other.yaml for it now"
    assert message in refused(workspace, "train-student")


def test_annotations_that_may_not_be_read_are_one_paragraph(workspace, monkeypatch):
    def denied(path: Path) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pipeline.datasets.index.known_sha256", denied)
    assert "people.json cannot be read: Permission denied" in refused(workspace, "train-student")


def test_an_evaluated_dataset_that_is_stale_does_not_fail_a_training(workspace):
    """It is done by the time that shared pictures are counted."""

    def change(params: dict) -> None:
        params["datasets"]["val"] = params["datasets"]["street-train"] | {"annotations": "val.json"}
        params["evaluate"]["datasets"] = ["val"]

    shutil.copy(workspace / "people.json", workspace / "val.json")
    write_params(workspace, change)
    kd(workspace, "index-datasets")
    kd(workspace, "extract-teachers")
    (workspace / "val.json").write_text("{}")
    assert "student.safetensors" in kd(workspace, "train-student")


def test_joints_in_another_order_are_another_crop_table(workspace):
    path = workspace / CONVENTION
    first, second = re.findall(r"^  nose: .*\n|^  left_eye: .*\n", path.read_text(), re.MULTILINE)
    rewrite(path, first + second, second + first)
    for command in ("train-student", "evaluate", "extract-teachers"):
        message = refused(workspace, command)
        assert "nose is left_eye now" in message and "index-datasets --dataset street-train" in message


@pytest.mark.parametrize("name", ["people.json", "boxes.json"])
def test_changed_annotations_and_boxes_are_refused_until_they_are_indexed(workspace, name):
    value = json.loads((workspace / name).read_text())
    (value["annotations"] if name == "people.json" else value)[0]["bbox"][2] -= 1
    (workspace / name).write_text(json.dumps(value))
    for command in ("train-student", "evaluate", "extract-teachers"):
        assert f"was made from {name} as it was" in refused(workspace, command)
    kd(workspace, "index-datasets")
    kd(workspace, "extract-teachers")
    printed = kd(workspace, "train-student")
    assert ("is of another training" in printed) == (name == "boxes.json")  # no person in a box is labelled
    kd(workspace, "evaluate")


def test_other_files_in_params_are_refused_until_they_are_indexed(workspace):
    shutil.copy(workspace / "boxes.json", workspace / "other.json")
    rewrite(workspace / "params.yaml", "boxes: boxes.json", "boxes: other.json")
    assert "made from people.json, boxes.json, but params.yaml names people.json, other.json" in refused(
        workspace, "train-student"
    )


def test_annotations_that_are_gone_are_not_missed(workspace):
    (workspace / "people.json").unlink()
    (workspace / "boxes.json").unlink()
    assert "1 of them done before" in kd(workspace, "train-student")


@pytest.mark.parametrize("command", [("train-student", "--fresh"), ("evaluate",)])
def test_a_swapped_image_is_found_where_it_is_read(workspace, command):
    one, two = workspace / "images/1.png", workspace / "images/2.png"
    kept = one.read_bytes()
    one.write_bytes(two.read_bytes())
    assert "1.png has changed since the dataset was indexed" in refused(workspace, *command)
    one.write_bytes(kept)
    kd(workspace, *command)


def test_an_image_of_the_same_size_is_another(workspace):
    path = workspace / "images/3.png"
    size = path.stat().st_size
    noise = np.random.default_rng(9).integers(0, 255, (64, 48, 3), np.uint8)
    cv2.imwrite(str(path), noise)
    path.write_bytes(path.read_bytes().ljust(size, b"\0")[:size])
    assert "3.png has changed" in refused(workspace, "train-student", "--fresh")


def test_evaluation_says_what_it_was_asked_for_and_has_not(workspace):
    shutil.rmtree(workspace / "stores/lamp/street-train.zarr")
    rewrite(workspace / "params.yaml", "width: 8", "width: 16")
    printed = kd(workspace, "evaluate")
    assert "Warning: there is no store, and so no number, of lamp on street-train" in printed
    assert "was trained before student in params.yaml changed" in printed


def test_pictures_that_are_trained_and_evaluated_on_are_reported_under_any_name(workspace):
    def change(params: dict) -> None:
        params["datasets"]["val"] = params["datasets"]["street-train"] | {
            "images": "val",
            "annotations": "val.json",
        }
        params["evaluate"]["datasets"] = ["val"]

    (workspace / "val").mkdir()
    for number in (1, 2, 3):
        shutil.copy(workspace / f"images/{number}.png", workspace / f"val/{number}.png")
    cv2.imwrite(str(workspace / "val/3.png"), np.zeros((64, 48, 3), np.uint8))
    shutil.copy(workspace / "people.json", workspace / "val.json")
    write_params(workspace, change)
    kd(workspace, "index-datasets")
    kd(workspace, "extract-teachers")
    message = "of 3 pictures of val, which is evaluated on, some are trained on (2 in street-train)"
    assert message in kd(workspace, "train-student")
    assert message in kd(workspace, "evaluate")


def test_dvc_watches_every_file_that_params_name(workspace):
    stages = yaml.safe_load((workspace / "dvc.yaml").read_text())["stages"]
    assert named_files(Workspace.open(workspace)) == {
        "train": [CONVENTION],
        "evaluate": [CONVENTION],
    }
    assert stages["train"]["deps"] == [CONVENTION, "crops", "stores"]
    assert stages["evaluate"]["deps"][0] == CONVENTION
    before = (workspace / "dvc.yaml").read_bytes()
    kd(workspace, "train-student")
    assert (workspace / "dvc.yaml").read_bytes() == before


def test_dvc_yaml_keeps_what_is_there(workspace, repository: Path):
    """Comments and all; and what is not named any more goes."""
    lines = (workspace / "dvc.yaml").read_text().splitlines(keepends=True)
    ours = [line for line in lines if "# named in params.yaml" in line]
    assert len(ours) == 2 and all(CONVENTION in line for line in ours)
    rest = "".join(line for line in lines if line not in ours)
    assert rest == (repository / "dvc.yaml").read_text()
    write_params(workspace)
    kd(workspace, "index-datasets")
    assert (workspace / "dvc.yaml").read_text() == (repository / "dvc.yaml").read_text()


def test_the_repository_s_own_dvc_yaml_lacks_nothing(repository: Path):
    """Else the first command of a newcomer would change a file that git knows."""
    assert named_files(Workspace.open(repository)) == {"train": [], "evaluate": []}


DVC_FILES = {
    "no deps": "stages:\n  train:\n    cmd: t\n",
    "null": "stages:\n  train:\n    cmd: t\n    deps:\n",
    "text": "stages:\n  train:\n    cmd: t\n    deps: a\n",
    "flow": "stages:\n  train:\n    cmd: t\n    deps: [a, b]\n",
    "list": "stages: [train]\n",
    "torn": "stages: {train: [",
}


@pytest.mark.parametrize("kind", DVC_FILES)
def test_a_dvc_yaml_of_another_form_is_left_alone(workspace, kind):
    (workspace / "dvc.yaml").write_text(DVC_FILES[kind])
    kd(workspace, "index-datasets")
    assert (workspace / "dvc.yaml").read_text() == DVC_FILES[kind]


def test_a_line_is_added_and_taken_out_and_nothing_else_is_touched(workspace):
    text = (
        'stages:\n    train:\n        cmd: "kd-pipeline train-student"\n        deps:\n'
        "        - crops   # tables\n"
        "        - stores:\n            cache: false\n\n        # the sections\n        params: [train]\n"
    )
    (workspace / "dvc.yaml").write_text(text)
    assert watch_named_files(Workspace.open(workspace)) == [f"train: {CONVENTION}"]
    line = f"        - {CONVENTION}  # named in params.yaml\n"
    assert (workspace / "dvc.yaml").read_text() == text.replace("        - crops", f"{line}        - crops")
    assert watch_named_files(Workspace.open(workspace)) == []
    write_params(workspace)
    assert watch_named_files(Workspace.open(workspace)) == []
    assert (workspace / "dvc.yaml").read_text() == text


def test_first_weights_calibration_and_other_students_are_watched_too(workspace):
    def change(params: dict) -> None:
        params["student"]["init"] = {"student": "first"}
        params["distill"] = {"calibration": "calibration.json"}
        params["evaluate"]["students"] = {"older": "runs/older"}

    write_params(workspace, change)
    assert named_files(Workspace.open(workspace)) == {
        "train": ["first/student.safetensors", "calibration.json"],
        "evaluate": ["runs/older"],
    }
