"""A small workspace with one of every file that a run reads, made by the commands' own code.

Two datasets of noise, one with detected boxes; two ONNX teachers, one with its weights in a file beside it;
a convention of its own, first weights, a trained student and another one, a given calibration, an ablation
of two runs.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import torch
import yaml
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper

import stages
from pipeline.conventions.registry import _FOLDER, load_convention
from pipeline.files.hashes import sha256_of
from pipeline.workspace import Workspace
from pipeline.workspace_union import workspace_union
from stages.cli import main
from student.ablation.ablation import Ablation
from student.ablation.runs.execute import execute_run
from student.ablation.runs.result_seal import seal_results
from student.ablation.runs.run_folder import start_folder
from student.evaluation.evaluate import evaluate_teachers
from student.network.config import StudentConfig
from student.network.pose_student import PoseStudent
from student.network.saved import save_student

DATASETS = ("street-train", "street-val")
DETECTED = "street-val"
"""The one whose boxes are detections."""
TEACHERS = ("lamp", "lens")
JOINTS = load_convention("coco17").joints
ABLATION = "ablation.yaml"
GIVEN_CALIBRATION = "given.json"
OTHER_STUDENT = "before"
_IMAGES = 5


def make_small_workspace(root: Path) -> Workspace:
    """Everything, from annotations to an ablation's numbers."""
    shutil.copy(_FOLDER / "coco17.yaml", root / "street.yaml")
    shutil.copy(Path(stages.__file__).parent.parent / "dvc.yaml", root / "dvc.yaml")
    for seed, name in enumerate(DATASETS):
        _write_people(root, name, seed)
    for seed, name in enumerate(TEACHERS):
        _write_teacher(root / "teachers" / name, name, seed)
    (root / "params.yaml").write_text(yaml.safe_dump(_params(), sort_keys=False))
    workspace = Workspace.open(root)
    _write_students(workspace)
    for command in ("index-datasets", "extract-teachers", "train-student", "evaluate"):
        _run(root, command)
    _run(root, "calibrate", "--out", str(root / GIVEN_CALIBRATION))
    _run_ablation(root)
    return workspace


def _run(root: Path, *arguments: str) -> None:
    """A command, its output kept back.

    Raises:
        RuntimeError: it failed; with what it printed.
    """
    done = CliRunner().invoke(main, [*arguments, "--workspace", str(root)])
    if done.exit_code:
        raise RuntimeError(done.output) from done.exception


def _write_people(root: Path, name: str, seed: int) -> None:
    """Pictures, one person in each, and for the second dataset detections of them."""
    (root / "images" / name).mkdir(parents=True)
    rng = np.random.default_rng(seed)
    images, people = [], []
    for number in range(1, _IMAGES + 1):
        picture = rng.integers(0, 255, (64, 48, 3), np.uint8)
        cv2.imwrite(str(root / "images" / name / f"{seed}{number}.png"), picture)
        images.append({"id": number, "file_name": f"{seed}{number}.png", "width": 48, "height": 64})
        places = rng.uniform(8, 40, (len(JOINTS), 2)).round(1)
        people.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "bbox": [5, 5, 38, 54],
                "area": 2000 + number,
                "iscrowd": 0,
                "num_keypoints": len(JOINTS),
                "keypoints": np.c_[places, np.full(len(JOINTS), 2)].ravel().tolist(),
            }
        )
    category = {"id": 1, "name": "person", "keypoints": list(JOINTS), "skeleton": []}
    annotated = {"images": images, "annotations": people, "categories": [category]}
    (root / f"{name}.json").write_text(json.dumps(annotated))
    if name != DETECTED:
        return
    boxes = [
        {"image_id": person["image_id"], "category_id": 1, "bbox": [4, 6, 39, 53], "score": 0.9}
        for person in people
    ]
    (root / f"{name}-boxes.json").write_text(json.dumps(boxes))


def _write_teacher(folder: Path, name: str, seed: int) -> None:
    """A network of one convolution and its sidecar; the second has its weights outside of the ONNX file."""
    folder.mkdir(parents=True)
    weights = np.random.default_rng(seed).normal(size=(len(JOINTS), 3, 4, 4)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "weights"], ["heatmap"], strides=[4, 4])],
        name,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, 64, 48])],
        [helper.make_tensor_value_info("heatmap", TensorProto.FLOAT, ["N", len(JOINTS), 16, 12])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = folder / f"{name}.onnx"
    outside = {"save_as_external_data": True, "location": f"{name}.bin", "size_threshold": 0} if seed else {}
    onnx.save(model, str(path), **outside)
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(_sidecar(name, sha256_of(path)), sort_keys=False))


def _sidecar(name: str, sha256: str) -> dict[str, Any]:
    return {
        "name": name,
        "file": f"{name}.onnx",
        "sha256": sha256,
        "keypoints": list(JOINTS),
        "input": {
            "name": "image",
            "size": [48, 64],
            "layout": "NCHW",
            "channel_order": "RGB",
            "mean": [127.5] * 3,
            "std": [127.5] * 3,
        },
        "output": {"name": "heatmap", "kind": "heatmap", "layout": "NCHW", "size": [12, 16]},
        "pixel_alignment": {"rule": "half_pixel", "stride": 4},
        "crop": {"shape": "aspect", "padding": 1.25},
    }


def _params() -> dict[str, Any]:
    def dataset(name: str) -> dict[str, Any]:
        boxes = {"boxes": f"{name}-boxes.json"} if name == DETECTED else {}
        files = {"images": f"images/{name}", "annotations": f"{name}.json", **boxes}
        return {"format": "coco", "convention": "street.yaml", **files}

    def teacher(name: str) -> dict[str, Any]:
        files = {"config": f"teachers/{name}/{name}.yaml", "checkpoint": f"teachers/{name}/{name}.onnx"}
        return {"adapter": "onnx", **files, "convention": "coco17"}

    return {
        "cells": {"teachers": list(TEACHERS), "datasets": list(DATASETS)},
        "datasets": {name: dataset(name) for name in DATASETS},
        "teachers": {name: teacher(name) for name in TEACHERS},
        "extract": {"shard_size": 2},
        "skeleton": {},
        "student": {
            "backbone": "resnet18_slim",
            "input_size": [32, 32],
            "width": 8,
            "init": {"backbone": "weights/first.pth"},
        },
        "train": {"datasets": [DATASETS[0]], "epochs": 1, "batch_size": 2},
        "distill": {"weight": 1.0},
        "evaluate": {"datasets": [DATASETS[1]], "overlays": 0, "students": {OTHER_STUDENT: OTHER_STUDENT}},
        "runtime": {"device": "cpu", "batch_size": 4, "workers": 0},
    }


def _write_students(workspace: Workspace) -> None:
    """First weights, and a student trained before."""
    torch.manual_seed(7)
    config = StudentConfig.from_params(workspace.params.student, workspace_union(workspace))
    student = PoseStudent(config)
    for folder in ("weights", OTHER_STUDENT):
        workspace.path(folder).mkdir()
    torch.save({"state_dict": student.backbone.state_dict()}, workspace.path("weights/first.pth"))
    save_student(student, workspace.path(OTHER_STUDENT))


def _run_ablation(root: Path) -> None:
    arms = {"name": "seeds", "seeds": [1, 2], "arms": {"plain": {"distill.weight": 1.0}}}
    (root / ABLATION).write_text(yaml.safe_dump(arms, sort_keys=False))
    ablation = Ablation.open(root / ABLATION, root)
    evaluate_teachers(ablation.teachers, ablation.teachers.evaluation, overlays=0)
    seal_results(ablation.teachers.evaluation)
    for run in ablation.runs():
        start_folder(run)
        execute_run(run)
