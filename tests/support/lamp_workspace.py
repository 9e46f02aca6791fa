"""A workspace with three crops and a small ONNX teacher, and the command line on it."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
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
