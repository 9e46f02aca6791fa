"""Every mistake of the user's ends in one clear paragraph and exit code 2, with nothing half-written."""

import json
import shutil
from pathlib import Path

import pytest
from lamp_workspace import kd, refused, write_params, write_people, write_teacher

from pipeline.teachers.checkpoints import sha256_of


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    write_people(tmp_path)
    write_teacher(tmp_path / "teachers" / "lamp")
    write_params(tmp_path)
    return tmp_path


def test_the_unchanged_workspace_goes_through(workspace: Path):
    kd(workspace, "index-datasets")
    kd(workspace, "extract-teachers")
    table = kd(workspace, "evaluate", "--teachers-only")
    assert "| lamp " in table and "| student " not in table and "runs/teachers/overlays" in table
    kd(workspace, "train-student")
    printed = kd(workspace, "evaluate")
    assert f"side by side: {workspace / 'evaluation/overlays/side_by_side.png'} " in printed
    metrics = json.loads((workspace / "evaluation" / "details.json").read_text())
    assert set(metrics["street-train"]) == {"student", "lamp"}


def test_a_missing_checkpoint_says_where_it_goes(workspace: Path):
    kd(workspace, "index-datasets")
    (workspace / "teachers" / "lamp" / "lamp.onnx").unlink()
    assert "teachers/lamp/lamp.onnx" in refused(workspace, "extract-teachers")
    assert not (workspace / "stores").exists()


def test_another_checkpoint_than_params_names_is_not_run(workspace: Path):
    kd(workspace, "index-datasets")
    write_params(workspace, lambda params: params["teachers"]["lamp"].update(sha256="0" * 64))
    found = sha256_of(workspace / "teachers" / "lamp" / "lamp.onnx")
    message = refused(workspace, "extract-teachers")
    assert found in message and "0" * 64 in message
    assert not (workspace / "stores").exists()


def test_a_stale_store_is_an_error_in_extraction_and_in_training(workspace: Path):
    kd(workspace, "index-datasets")
    kd(workspace, "extract-teachers")
    write_teacher(workspace / "teachers" / "lamp", seed=1)
    message = refused(workspace, "extract-teachers")
    assert "checkpoint" in message and "--replace-stale" in message
    kd(workspace, "extract-teachers", "--replace-stale")
    kd(workspace, "train-student")


def test_a_store_of_other_crops_never_trains_a_student(workspace: Path):
    kd(workspace, "index-datasets")
    kd(workspace, "extract-teachers")
    people = json.loads((workspace / "people.json").read_text())
    people["annotations"][0]["bbox"] = [6, 6, 30, 40]
    (workspace / "people.json").write_text(json.dumps(people))
    kd(workspace, "index-datasets")
    assert "crop" in refused(workspace, "train-student")
    assert not (workspace / "runs" / "student" / "student.safetensors").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not json at all", "JSON"),
        ('{"images": [], "annotations": []}', "street-train"),
        ("[1, 2, 3]", "people.json"),
    ],
)
def test_annotations_that_are_none_are_refused_as_a_whole(workspace: Path, text: str, message: str):
    (workspace / "people.json").write_text(text)
    assert message in refused(workspace, "index-datasets")
    assert not (workspace / "crops").exists()


def test_a_union_joint_that_nobody_provides_is_named(workspace: Path):
    kd(workspace, "index-datasets")
    kd(workspace, "extract-teachers")
    write_params(workspace, lambda params: params.update(skeleton={"joints": ["nose", "tail"]}))
    assert "tail" in refused(workspace, "train-student")
    assert "tail" in refused(workspace, "skeleton", "show")
    assert not (workspace / "runs").exists()


@pytest.mark.parametrize(
    ("folder", "commands"),
    [("crops", ["index-datasets"]), ("stores", ["extract-teachers"]), ("runs", ["train-student"])],
)
def test_an_output_folder_that_cannot_be_written_is_named(workspace: Path, folder: str, commands: list[str]):
    if folder != "crops":
        kd(workspace, "index-datasets")
    if folder == "runs":
        kd(workspace, "extract-teachers")
    (workspace / folder).write_text("a file where a folder was wanted")
    message = refused(workspace, *commands)
    assert f"{folder}/" in message and "cannot be written" in message


def test_a_value_out_of_range_is_refused_with_the_range(workspace: Path):
    write_params(workspace, lambda params: params.update(distill={"weight": -1}))
    assert "(allowed: 0 to 100)" in refused(workspace, "train-student")


def test_a_command_out_of_order_names_the_one_before_it(workspace: Path):
    assert "kd-pipeline index-datasets" in refused(workspace, "extract-teachers")
    kd(workspace, "index-datasets")
    assert "kd-pipeline extract-teachers" in refused(workspace, "train-student")
    assert "kd-pipeline train-student" in refused(workspace, "evaluate")
    assert "kd-pipeline extract-teachers" in refused(workspace, "evaluate", "--teachers-only")


def test_a_truncated_image_is_refused_and_the_rest_continues(workspace: Path):
    picture = workspace / "images" / "2.png"
    picture.write_bytes(picture.read_bytes()[:-200])
    assert "refused 1: image truncated or unreadable" in kd(workspace, "index-datasets")


def test_a_batch_of_one_cell_is_an_error_before_training_and_trains_with_more(workspace: Path):
    def one_cell(params: dict) -> None:
        params["student"]["input_size"], params["train"]["batch_size"] = [32, 32], 1
        params["distill"] = {"weight": 0}

    write_params(workspace, one_cell)
    kd(workspace, "index-datasets")
    message = refused(workspace, "train-student")
    assert "a batch has one crop (train.batch_size is 1" in message and "Raise train.batch_size" in message
    write_params(
        workspace,
        lambda params: (one_cell(params), params["student"].update(input_size=[64, 32])),
    )
    kd(workspace, "train-student")


def test_an_image_lost_after_indexing_is_named_and_finished_shards_stay(workspace: Path):
    write_params(workspace, lambda params: params.update(extract={"shard_size": 1}))
    kd(workspace, "index-datasets")
    shutil.move(workspace / "images" / "3.png", workspace / "3.png")
    assert "3.png" in refused(workspace, "extract-teachers")
    shutil.move(workspace / "3.png", workspace / "images" / "3.png")
    kd(workspace, "extract-teachers")
