"""MMPose's configs and checkpoints as teachers."""

from pathlib import Path

import torch

from pipeline.conventions.convention import Convention
from pipeline.params import TeacherParams
from pipeline.teachers.adapters.adapter import Adapter
from pipeline.teachers.teacher import Teacher


class MMPoseAdapter(Adapter):
    """Outside of the package `mmpose` beside it, which imports MMCV as soon as anything in it is used."""

    def build(
        self, name: str, params: TeacherParams, root: Path, meaning: Convention, device: torch.device
    ) -> Teacher:
        from pipeline.teachers.adapters.mmpose.mmpose_teacher import build_mmpose_teacher  # takes seconds

        return build_mmpose_teacher(name, params, root, meaning, device)
