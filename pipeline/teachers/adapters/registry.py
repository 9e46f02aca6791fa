"""From an entry of params.yaml to a teacher."""

from pathlib import Path

import torch

from pipeline.conventions.registry import load_convention
from pipeline.extensions import ADAPTERS
from pipeline.params import TeacherParams
from pipeline.teachers.adapters.adapter import Adapter
from pipeline.teachers.teacher import Teacher


def build_teacher(name: str, params: TeacherParams, root: Path, device: torch.device) -> Teacher:
    """The teacher called `name`, on `device`, in eval mode. Paths in `params` start at `root`.

    Raises:
        KDError: as `Adapter.build`; there is no such convention.
    """
    meaning = load_convention(params.convention, root)
    return adapter_of(params).build(name, params, root, meaning, device)


def adapter_of(params: TeacherParams) -> Adapter:
    """What makes teachers of this kind."""
    return ADAPTERS.load(params.adapter)()
