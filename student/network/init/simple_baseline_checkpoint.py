"""A checkpoint of MMPose's with SimpleBaseline's heatmap head as initial weights."""

from dataclasses import replace
from pathlib import Path

from torch import Tensor

from pipeline.params import InitParams
from student.network.init.rtmpose_checkpoint import read_mmpose
from student.network.init.weights import InitialWeights
from student.network.pose_student import PoseStudent

LOGITS_PER_HEATMAP = 10.0
"""Heatmaps of peak 1 were learned, logits over cells are wanted: RTMPose's factor (`beta` of its loss)."""
DECONVOLUTIONS, PROJECTION = "head.deconv_layers.", "head.final_layer."


def read_simple_baseline(params: InitParams, root: Path, student: PoseStudent) -> InitialWeights:
    """The weights in the file `params.simple_baseline`, by the student's names.

    Raises:
        KDError: it is missing, unsafe, damaged or not the one that was meant; nothing says which joints its
            head has.
    """
    union = student.config.skeleton
    found = read_mmpose("SimpleBaseline", "simple_baseline", params, root, union)
    tensors = {_renamed(name): _scaled(name, tensor) for name, tensor in found.tensors.items()}
    return replace(found, tensors=tensors)


def _renamed(name: str) -> str:
    return name.replace(DECONVOLUTIONS, "head.upsampling.").replace(PROJECTION, "head.projection.")


def _scaled(name: str, tensor: Tensor) -> Tensor:
    # In single precision: a checkpoint's weights may be halves, which the product would be rounded to.
    return tensor.float() * LOGITS_PER_HEATMAP if name.startswith(PROJECTION) else tensor
