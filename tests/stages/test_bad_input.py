"""Every mistake of the user's ends in one clear paragraph and exit code 2, with nothing half-written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import yaml
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper

from pipeline.conventions.registry import load_convention
from pipeline.teachers.checkpoints import sha256_of
from stages.cli import main

JOINTS = load_convention("coco17").joints


def write_people(folder: Path) -> None:
    """Three pictures of noise, one person in each."""
    (folder / "images").mkdir()
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for number in range(1, 4):
        cv2.imwrite(str(folder / "images" / f"{number}.png"), rng.integers(0, 255, (64, 48, 3), np.uint8))
        images.append({"id": number, "file_name": f"{number}.png", "width": 48, "height": 64})
        points = np.concatenate([rng.uniform(10, 40, (len(JOINTS), 2)), np.full((len(JOINTS), 1), 2)], axis=1)
        annotations.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "bbox": [5, 5, 38, 54],
                "area": 2000,
                "iscrowd": 0,
                "num_keypoints": len(JOINTS),
                "keypoints": points.ravel().tolist(),
            }
        )
    category = {"id": 1, "name": "person", "keypoints": list(JOINTS), "skeleton": []}
    (folder / "people.json").write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": [category]})
    )


def write_teacher(folder: Path, seed: int = 0) -> None:
    """An ONNX network of one convolution, random weights by `seed`, and its sidecar."""
    weights = np.random.default_rng(seed).normal(size=(len(JOINTS), 3, 4, 4)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "weights"], ["heatmap"], strides=[4, 4])],
        "lamp",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, 64, 48])],
        [helper.make_tensor_value_info("heatmap", TensorProto.FLOAT, ["N", len(JOINTS), 16, 12])],
        [numpy_helper.from_array(weights, "weights")],
    )
    folder.mkdir(parents=True, exist_ok=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(folder / "lamp.onnx"))
    sidecar = {
        "name": "lamp",
        "file": "lamp.onnx",
        "sha256": sha256_of(folder / "lamp.onnx"),
        "keypoints": list(JOINTS),
        "input": {
            "name": "image",
            "size": [48, 64],
            "layout": "NCHW",
            "channel_order": "RGB",
            "scale": 1.0,
            "mean": [127.5] * 3,
            "std": [127.5] * 3,
        },
        "output": {"name": "heatmap", "kind": "heatmap", "layout": "NCHW", "size": [12, 16]},
        "pixel_alignment": {"rule": "half_pixel", "stride": 4},
        "crop": {"shape": "aspect", "padding": 1.25},
    }
    (folder / "lamp.yaml").write_text(yaml.safe_dump(sidecar))


def write_params(folder: Path, change: Callable[[dict], None] = lambda params: None) -> None:
    params = {
        "cells": {"teachers": ["lamp"], "datasets": ["street-train"]},
        "datasets": {
            "street-train": {
                "format": "coco",
                "convention": "coco17",
                "images": "images",
                "annotations": "people.json",
            }
        },
        "teachers": {
            "lamp": {
                "adapter": "onnx",
                "config": "teachers/lamp/lamp.yaml",
                "checkpoint": "teachers/lamp/lamp.onnx",
                "convention": "coco17",
            }
        },
        "student": {"backbone": "mobilenet_v3_small", "input_size": [32, 32], "width": 8},
        "train": {"datasets": ["street-train"], "epochs": 1, "batch_size": 2},
        "evaluate": {"datasets": ["street-train"]},
        "runtime": {"batch_size": 2, "workers": 0},
    }
    change(params)
    (folder / "params.yaml").write_text(yaml.safe_dump(params))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    write_people(tmp_path)
    write_teacher(tmp_path / "teachers" / "lamp")
    write_params(tmp_path)
    return tmp_path


def kd(workspace: Path, *arguments: str) -> str:
    """The output of a command that succeeds."""
    result = CliRunner().invoke(main, [*arguments, "--workspace", str(workspace)])
    assert result.exit_code == 0, result.output
    return result.output


def refused(workspace: Path, *arguments: str) -> str:
    """The one paragraph of a command that ends with exit code 2."""
    result = CliRunner().invoke(main, [*arguments, "--workspace", str(workspace)])
    assert result.exit_code == 2, result.output
    message = result.output[result.output.index("Error: ") :]
    assert "\n\n" not in message.strip()
    assert "Traceback" not in message
    return message


def test_the_unchanged_workspace_goes_through(workspace: Path):
    kd(workspace, "index-datasets")
    kd(workspace, "extract-teachers")
    kd(workspace, "train-student")
    kd(workspace, "evaluate")
    metrics = json.loads((workspace / "evaluation" / "metrics.json").read_text())
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


def test_a_value_out_of_range_is_told_with_the_range(workspace: Path):
    write_params(workspace, lambda params: params.update(distill={"weight": -1}))
    assert "(allowed: 0 to 100)" in refused(workspace, "train-student")


def test_a_command_out_of_order_names_the_one_before_it(workspace: Path):
    assert "kd-pipeline index-datasets" in refused(workspace, "extract-teachers")
    kd(workspace, "index-datasets")
    assert "kd-pipeline extract-teachers" in refused(workspace, "train-student")
    assert "kd-pipeline train-student" in refused(workspace, "evaluate")


def test_a_truncated_image_is_refused_and_the_rest_goes_on(workspace: Path):
    picture = workspace / "images" / "2.png"
    picture.write_bytes(picture.read_bytes()[:-200])
    assert "refused 1: image truncated or unreadable" in kd(workspace, "index-datasets")


def test_an_image_lost_after_indexing_is_named_and_finished_shards_stay(workspace: Path):
    write_params(workspace, lambda params: params.update(extract={"shard_size": 1}))
    kd(workspace, "index-datasets")
    shutil.move(workspace / "images" / "3.png", workspace / "3.png")
    assert "3.png" in refused(workspace, "extract-teachers")
    shutil.move(workspace / "3.png", workspace / "images" / "3.png")
    kd(workspace, "extract-teachers")
