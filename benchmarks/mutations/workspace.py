"""A small workspace with one valid file of every kind that people write, export or edit."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import torch
import yaml
from onnx import TensorProto, helper, numpy_helper

from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import build_union
from pipeline.files.hashes import sha256_of
from pipeline.params import StudentParams
from student.calibration.teacher_calibration import CalibrationFile, uncalibrated
from student.network.config import StudentConfig
from student.network.pose_student import PoseStudent
from student.network.saved import save_student

JOINTS = load_convention("coco17").joints
WIDTH, HEIGHT = 48, 64
PEOPLE = 3
STUDENT = "runs/student"

PARAMS: dict[str, Any] = {
    "cells": {"teachers": ["lamp"], "datasets": ["coco-train"]},
    "datasets": {
        "coco-train": {"format": "coco", "convention": "coco17", "annotations": "coco.json"},
        "coco-boxes": {
            "format": "coco",
            "convention": "coco17",
            "annotations": "list.json",
            "boxes": "boxes.json",
        },
        "mpii": {"format": "mpii", "convention": "mpii16", "annotations": "mpii.json"},
        "posetrack": {"format": "posetrack18", "convention": "posetrack18", "annotations": "posetrack.json"},
        "videos": {"format": "posetrack18", "convention": "posetrack18", "annotations": "videos"},
        "found": {"format": "images", "annotations": "boxes.json", "min_box_score": 0.2},
        "listed": {"format": "images", "annotations": "list.json", "boxes": "boxes.json"},
        "boxed": {"format": "images", "annotations": "coco.json"},
    },
    "teachers": {
        "lamp": {
            "adapter": "onnx",
            "config": "lamp.yaml",
            "checkpoint": "lamp.onnx",
            "convention": "coco17",
            "datasets": ["coco-train"],
        }
    },
    "skeleton": {"conventions": ["coco17", "own.yaml"], "similar_weight": 0.5},
    "extract": {"preset": "balanced", "shard_size": 4, "views": {"count": 1, "seed": 0}},
    "student": {
        "backbone": "resnet18_slim",
        "input_size": [32, 32],
        "output_stride": 16,
        "width": 8,
        "sigma": [1, 2],
    },
    "train": {
        "datasets": ["coco-train"],
        "epochs": 2,
        "batch_size": 2,
        "augment": {"rotation_degrees": 15, "hsv": [1, 2, 3]},
        "baselines": {"labels_only": {"distill.weight": 0}, "other": {"student": {"width": 16}}},
    },
    "distill": {"weight": 1.0, "teachers": {"lamp": 0.5}, "weighting": "confidence"},
    "evaluate": {"datasets": ["coco-train"], "students": {"an older one": "runs/older"}},
    "runtime": {"device": "cpu", "batch_size": 2, "workers": 0},
}
ABLATION = {
    "name": "toy",
    "seeds": [0, 1],
    "base": {"train.epochs": 1},
    "arms": {"gt": {"distill.weight": 0}, "kd": {}, "wide": {"student": {"width": 16}}},
    "grid": {"distill.temperature": [1.0, 2.0], "student.sigma": [[1, 2], 2]},
    "baseline": "gt",
    "metric": "PCK20",
    "datasets": ["coco-train"],
    "groups": {"trunk": {"datasets": ["coco-train"], "joints": ["left_hip", "right_hip"]}},
}
OWN_CONVENTION = {
    "joints": {
        "l_hip": {"sigma": 0.1, "mirror": "r_hip", "same": "left_hip"},
        "r_hip": {"sigma": 0.1, "mirror": "l_hip", "same": ["right_hip"]},
        "top": {"sigma": 0.05, "weight": 1.5, "similar": "head_top"},
        "navel": {"sigma": 0.1},
        "tail": {"sigma": 0.1, "dropped": "people have none"},
    },
    "limbs": [["l_hip", "r_hip"], ["top", "navel"]],
    "head_segment": ["top", "navel"],
    "new": ["navel"],
}


def make_workspace(root: Path) -> None:
    """Fill the empty folder `root`."""
    _write_images(root / "images")
    _write_people(root)
    _write_teacher(root)
    params = json.loads(json.dumps(PARAMS))
    for dataset in params["datasets"].values():
        dataset["images"] = "images"
    for name, values in (("params", params), ("ablation", ABLATION), ("own", OWN_CONVENTION)):
        (root / f"{name}.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    union = build_union([load_convention("coco17"), load_convention("own.yaml", root)])
    torch.manual_seed(0)
    student = PoseStudent(StudentConfig.from_params(StudentParams(**params["student"]), union))
    (root / STUDENT).mkdir(parents=True)
    save_student(student, root / STUDENT)
    calibration = CalibrationFile(
        {"lamp": uncalibrated("heatmap", len(JOINTS))}, {"own": {"nose": (0.1, 0.2)}}, {}
    )
    calibration.write(root / "calibration.json")


def _write_images(folder: Path) -> None:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(1, PEOPLE + 1):
        cv2.imwrite(str(folder / f"{number}.png"), rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8))


def _write_people(root: Path) -> None:
    numbers = range(1, PEOPLE + 1)
    images = [{"id": n, "file_name": f"{n}.png", "width": WIDTH, "height": HEIGHT} for n in numbers]
    category = {"id": 1, "name": "person", "keypoints": list(JOINTS), "skeleton": [[1, 2]]}
    coco = {"images": images, "annotations": [_person(n) for n in numbers], "categories": [category]}
    posetrack = coco | {"categories": [{"id": 1, "name": "person"}]}
    boxes = [
        {"image_id": n, "file_name": f"{n}.png", "category_id": 1, "bbox": [5, 5, 38, 54], "score": 0.9}
        for n in numbers
    ]
    files = {
        "coco": coco,
        "posetrack": posetrack,
        "list": coco,
        "boxes": boxes,
        "mpii": [_mpii(n) for n in numbers],
    }
    (root / "videos").mkdir()
    files["videos/first"] = posetrack
    for name, value in files.items():
        (root / f"{name}.json").write_text(json.dumps(value))


def _person(number: int) -> dict[str, Any]:
    keypoints = [value for joint in range(len(JOINTS)) for value in (10 + joint, 12.5 + joint, joint % 3)]
    ids = {"id": number, "image_id": number, "category_id": 1}
    return ids | {
        "bbox": [5, 5, 38, 54],
        "area": 900.0,
        "iscrowd": 0,
        "num_keypoints": 11,
        "keypoints": keypoints,
    }


def _mpii(number: int) -> dict[str, Any]:
    joints = [[10 + joint, 12.5 + joint] for joint in range(16)]
    return {
        "image": f"{number}.png",
        "joints": joints,
        "joints_vis": [1] * 16,
        "center": [24, 30],
        "scale": 0.25,
    }


def _write_teacher(root: Path) -> None:
    """An ONNX network of one convolution, and its sidecar."""
    weights = np.random.default_rng(0).normal(size=(len(JOINTS), 3, 4, 4)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "weights"], ["heatmap"], strides=[4, 4])],
        "lamp",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, HEIGHT, WIDTH])],
        [
            helper.make_tensor_value_info(
                "heatmap", TensorProto.FLOAT, ["N", len(JOINTS), HEIGHT // 4, WIDTH // 4]
            )
        ],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(root / "lamp.onnx"))
    tensor = {"name": "image", "size": [WIDTH, HEIGHT], "layout": "NCHW", "channel_order": "RGB"}
    sidecar = {
        "name": "lamp",
        "sha256": sha256_of(root / "lamp.onnx"),
        "keypoints": list(JOINTS),
        "num_keypoints": len(JOINTS),
        "input": tensor | {"scale": 1.0, "mean": [127.5, 127.5, 127.5], "std": [127.5, 127.5, 127.5]},
        "output": {"name": "heatmap", "kind": "heatmap", "layout": "NCHW", "size": [WIDTH // 4, HEIGHT // 4]},
        "pixel_alignment": {"rule": "half_pixel", "stride": 4},
        "crop": {"shape": "aspect", "padding": 1.25},
        "notes": {"made": "for trials"},
    }
    (root / "lamp.yaml").write_text(yaml.safe_dump(sidecar, sort_keys=False))
