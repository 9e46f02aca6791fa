"""What networks cost on paper: floating-point operations, two to a multiplication with addition."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch.utils.flop_counter import FlopCounterMode

from pipeline.teachers.teacher import Teacher
from pipeline.workspace import Workspace
from student.data.batch import TrainingBatch
from student.training.trainer import Trainer

_WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def step_flops(trainer: Trainer, batch: TrainingBatch) -> float:
    """Of one training step, forward and backward, per crop: PyTorch's own count of convolutions and products
    of matrices."""
    with FlopCounterMode(display=False) as counter:
        trainer.learn(batch)
    return counter.get_total_flops() / len(batch)


def teacher_flops(workspace: Workspace, teacher: Teacher) -> float:
    """Of one forward pass, per crop; twice that for a teacher with the flip test."""
    params = workspace.teacher(teacher.name)
    if params.adapter == "onnx":
        return onnx_flops(workspace.path(params.checkpoint)) * (2 if teacher.flip_test else 1)
    width, height = teacher.crop.input_size
    with FlopCounterMode(display=False) as counter:
        teacher.predict(torch.zeros(1, height, width, 3, dtype=torch.uint8))
    return float(counter.get_total_flops())


def onnx_flops(path: Path) -> float:
    """Of one forward pass over one input: convolutions and products with constant matrices, whose sizes are
    read off a run."""
    model = onnx.load(str(path))
    weights = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    nodes = [node for node in model.graph.node if node.op_type in _WEIGHTED and node.input[1] in weights]
    shapes = _shapes(model, [name for node in nodes for name in (node.input[0], node.output[0])])
    return 2.0 * sum(
        _products(node.op_type, shapes[node.input[0]], weights[node.input[1]], shapes[node.output[0]])
        for node in nodes
    )


def _products(kind: str, given: tuple[int, ...], weight: tuple[int, ...], made: tuple[int, ...]) -> int:
    """Multiplications of one node. Every output of a convolution takes one per weight of its channel, as does
    every input of a transposed one; of a product of matrices, one per element of the inner axis."""
    if kind == "ConvTranspose":
        return int(np.prod(given) * np.prod(weight[1:]))
    return int(np.prod(made) * (np.prod(weight[1:]) if kind == "Conv" else given[-1]))


def _shapes(model: onnx.ModelProto, names: list[str]) -> dict[str, tuple[int, ...]]:
    """Sizes of tensors within the graph, of an input of zeros."""
    (given,) = model.graph.input
    known = {output.name for output in model.graph.output} | {given.name}
    inner = [name for name in dict.fromkeys(names) if name not in known]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in inner)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    size = [axis.dim_value or 1 for axis in given.type.tensor_type.shape.dim]
    image = np.zeros(size, dtype=np.float32)
    made = dict(
        zip((o.name for o in session.get_outputs()), session.run(None, {given.name: image}), strict=True)
    )
    return {given.name: image.shape} | {name: array.shape for name, array in made.items()}
