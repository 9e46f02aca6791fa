"""From an entry of params.yaml to a teacher."""

from pathlib import Path

import torch

from pipeline.conventions.registry import load_convention
from pipeline.params import TeacherParams
from pipeline.teachers.adapters.onnx.onnx_teacher import build_onnx_teacher
from pipeline.teachers.teacher import Teacher


def build_teacher(name: str, params: TeacherParams, root: Path, device: torch.device) -> Teacher:
    """The teacher called `name`, on `device`, in eval mode. Paths in `params` start at `root`.

    Raises:
        KDError: a file is missing, unsafe or not the one that was meant; checkpoint, configuration and
            convention do not fit each other; a kind of network that is not supported.
    """
    meaning = load_convention(params.convention, root)
    if params.adapter == "onnx":
        return build_onnx_teacher(name, params, root, meaning, device)
    from pipeline.teachers.adapters.mmpose.mmpose_teacher import (
        build_mmpose_teacher,
    )  # takes seconds; ONNX needs none of it

    return build_mmpose_teacher(name, params, root, meaning, device)
