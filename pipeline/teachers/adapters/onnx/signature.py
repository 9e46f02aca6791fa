"""Whether an ONNX file has the inputs and outputs that its sidecar speaks of."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from pipeline.errors import KDError, unknown_name
from pipeline.teachers.adapters.onnx.sidecar import HeatmapSidecar, Sidecar

Shape = Sequence[int | str | None]
"""Sizes of a tensor's axes; a name or None where the file leaves one open."""


def batch_of(session: onnxruntime.InferenceSession) -> int | None:
    """The number of crops the file takes at once; None: any."""
    first = session.get_inputs()[0].shape[0]
    return first if isinstance(first, int) else None


def check_signature(session: onnxruntime.InferenceSession, sidecar: Sidecar, path: Path) -> None:
    """Compare names, layouts, sizes and joint count.

    Raises:
        KDError: they differ.
    """
    inputs = {tensor.name: tensor for tensor in session.get_inputs()}
    outputs = {tensor.name: tensor.shape for tensor in session.get_outputs()}
    if sidecar.input.name not in inputs:
        raise _of(path, unknown_name("input", sidecar.input.name, inputs))
    taken = inputs[sidecar.input.name]
    if taken.type != "tensor(float)":
        raise KDError(
            f"{path} takes {taken.type}, but only networks with a float32 input are supported. Convert it."
        )
    width, height = sidecar.input.size
    wanted = {"NHWC": (height, width, 3), "NCHW": (3, height, width)}[sidecar.input.layout]
    _compare(path, "input", sidecar.input.name, taken.shape, wanted)
    for name, shape in _wanted_outputs(sidecar).items():
        if name not in outputs:
            raise _of(path, unknown_name("output", name, outputs))
        _compare(path, "output", name, outputs[name], shape)


def check_outputs(found: Mapping[str, np.ndarray], size: int, sidecar: Sidecar, path: Path) -> None:
    """Compare what the network made of `size` crops: a file may leave shapes open that the sidecar fixes.

    Raises:
        KDError: they differ.
    """
    for name, shape in _wanted_outputs(sidecar).items():
        array = found[name]
        if array.dtype != np.float32 or array.shape != (size, *shape):
            raise KDError(
                f"{path}: output {name!r} of {size} crops is {array.dtype} of the shape "
                f"{_shown(array.shape)}, but the sidecar makes it float32 of {_shown((size, *shape))}. "
                "Correct the sidecar, or export the network again."
            )


def _wanted_outputs(sidecar: Sidecar) -> dict[str, tuple[int, ...]]:
    joints, output = len(sidecar.keypoints), sidecar.output
    width, height = sidecar.map_geometry.size
    if isinstance(output, HeatmapSidecar):
        shapes = {"NHWC": (height, width, joints), "NCHW": (joints, height, width)}
        return {output.name: shapes[output.layout]}
    return {output.name_x: (joints, width), output.name_y: (joints, height)}


def _compare(path: Path, what: str, name: str, found: Shape, wanted: tuple[int, ...]) -> None:
    axes = found[1:]
    fits = len(axes) == len(wanted) and all(
        not isinstance(axis, int) or axis == size for axis, size in zip(axes, wanted, strict=True)
    )
    if not fits:
        raise KDError(
            f"{path}: {what} {name!r} has the shape {_shown(axes)} after the batch, but the sidecar's size, "
            f"layout and keypoints make it {_shown(wanted)}. Correct the sidecar."
        )


def _shown(shape: Shape) -> str:
    return "(" + ", ".join("?" if axis is None else str(axis) for axis in shape) + ")"


def _of(path: Path, error: KDError) -> KDError:
    return KDError(f"{path}: {error}")
