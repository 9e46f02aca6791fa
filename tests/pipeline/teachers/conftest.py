"""Tiny ONNX teachers with their sidecars."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper

JOINTS = ["nose", "left_eye", "right_eye", "left_ear", "right_ear"]
WEIGHTS = np.random.default_rng(0).uniform(0, 1, (len(JOINTS), 3, 1, 1)).astype(np.float32)
"""The network: each joint's map is a weighted sum of the colours, averaged over blocks of 4 pixels."""


def sidecar_of(layout: str, kind: str) -> dict[str, Any]:
    """What is true of `network_of(layout, kind)`."""
    values = {
        "name": "tiny",
        "keypoints": list(JOINTS),
        "input": {
            "name": "image",
            "size": [32, 32],
            "layout": layout,
            "channel_order": "RGB",
            "mean": [10.0, 20.0, 30.0],
            "std": [2.0, 4.0, 8.0],
        },
        "output": {"name": "heatmap", "kind": "heatmap", "layout": layout, "size": [8, 8]},
        "pixel_alignment": {"rule": "half_pixel", "stride": 4},
        "crop": {"shape": "square", "padding": 1.25},
    }
    if kind == "simcc":
        values["output"] = {"kind": "simcc", "name_x": "x", "name_y": "y", "split_ratio": 1.0, "beta": 10.0}
        del values["pixel_alignment"]
    return values


def network_of(layout: str, kind: str, batch: int | str) -> onnx.ModelProto:
    nodes = [helper.make_node("Conv", ["input", "weights"], ["colours"])]
    if layout == "NHWC":
        nodes.insert(0, helper.make_node("Transpose", ["image"], ["input"], perm=[0, 3, 1, 2]))
    else:
        nodes.insert(0, helper.make_node("Identity", ["image"], ["input"]))
    if kind == "simcc":
        nodes += [
            helper.make_node("ReduceMean", ["colours"], [name], axes=[axis], keepdims=0)
            for name, axis in (("x", 2), ("y", 3))
        ]
        outputs = {"x": [batch, len(JOINTS), 32], "y": [batch, len(JOINTS), 32]}
    else:
        pool = helper.make_node("AveragePool", ["colours"], ["cells"], kernel_shape=[4, 4], strides=[4, 4])
        perm = [0, 2, 3, 1] if layout == "NHWC" else [0, 1, 2, 3]
        nodes += [pool, helper.make_node("Transpose", ["cells"], ["heatmap"], perm=perm)]
        outputs = {"heatmap": [batch, 8, 8, len(JOINTS)] if layout == "NHWC" else [batch, len(JOINTS), 8, 8]}
    shape = [batch, 32, 32, 3] if layout == "NHWC" else [batch, 3, 32, 32]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, axes) for name, axes in outputs.items()],
        [numpy_helper.from_array(WEIGHTS, "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


@pytest.fixture(scope="session")
def openmmlab() -> None:
    """MMPose and MMDetection, importable."""
    import pipeline.teachers.adapters.mmpose  # noqa: F401


@pytest.fixture
def write_sidecar(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    def write(values: dict[str, Any]) -> Path:
        path = tmp_path / "tiny.yaml"
        path.write_text(yaml.safe_dump(values))
        return path

    return write


@pytest.fixture
def tiny_onnx(
    tmp_path: Path, write_sidecar: Callable[[dict[str, Any]], Path]
) -> Callable[..., dict[str, Any]]:
    """Write tiny.onnx and tiny.yaml into the test's folder; the sidecar's values."""

    def write(
        layout: str = "NCHW", kind: str = "heatmap", batch: int | str = "N", **changes: Any
    ) -> dict[str, Any]:
        path = tmp_path / "tiny.onnx"
        onnx.save(network_of(layout, kind, batch), path)
        values = (
            sidecar_of(layout, kind) | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()} | changes
        )
        write_sidecar(values)
        return values

    return write
