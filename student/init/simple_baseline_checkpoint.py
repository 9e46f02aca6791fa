"""A checkpoint of MMPose's with SimpleBaseline's heatmap head as initial weights."""

from pathlib import Path

from torch import Tensor

from pipeline.conventions.union import UnionSkeleton
from pipeline.params import InitParams
from pipeline.teachers.checkpoints import checked_file, load_checkpoint, state_dict_of
from student.init.rtmpose_checkpoint import UNUSED, joint_rows
from student.init.weights import InitialWeights

LOGITS_PER_HEATMAP = 10.0
"""Heatmaps of peak 1 were learned, logits over cells are wanted: RTMPose's factor (`beta` of its loss)."""
DECONVOLUTIONS, PROJECTION = "head.deconv_layers.", "head.final_layer."


def read_simple_baseline(params: InitParams, root: Path, union: UnionSkeleton) -> InitialWeights:
    """The weights in the file `params.simple_baseline`, by the student's names.

    Raises:
        KDError: it is missing, unsafe, damaged or not the one that was meant; nothing tells which joints its
            head has.
    """
    path = root / params.simple_baseline
    sha256 = checked_file(path, "student.init.simple_baseline", params.sha256)
    checkpoint = load_checkpoint(path)
    weights = state_dict_of(checkpoint, path)
    tensors = {
        _renamed(name): _scaled(name, tensor)
        for name, tensor in weights.items()
        if not name.startswith(UNUSED)
    }
    rows = joint_rows(path, checkpoint, tensors.get("head.projection.weight"), params.convention, root, union)
    return InitialWeights(f"the SimpleBaseline checkpoint {path}", sha256, tensors, row_of_joint=rows)


def _renamed(name: str) -> str:
    return name.replace(DECONVOLUTIONS, "head.upsampling.").replace(PROJECTION, "head.projection.")


def _scaled(name: str, tensor: Tensor) -> Tensor:
    # In single precision: a checkpoint's weights may be halves, which the product would be rounded to.
    return tensor.float() * LOGITS_PER_HEATMAP if name.startswith(PROJECTION) else tensor
