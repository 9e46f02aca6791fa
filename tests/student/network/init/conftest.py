"""Students, and checkpoints as MMPose saves them (their names of weights are ours)."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import build_union
from pipeline.params import StudentParams
from student.network.config import StudentConfig
from student.network.init.initial_student import InitialStudent, initial_student
from student.network.pose_student import PoseStudent

RTMPOSE_T = {"backbone": "cspnext_t", "head": "rtmcc", "input_size": (64, 96)}


def student_config(conventions: Sequence[str] = ("coco17",), **params: Any) -> StudentConfig:
    union = build_union([load_convention(name) for name in conventions])
    return StudentConfig.from_params(StudentParams(**{**RTMPOSE_T, **params}), union)


def started(
    root: Path, init: dict[str, Any], conventions: Sequence[str] = ("coco17", "mpii16"), **params: Any
) -> InitialStudent:
    """Seed 0, whatever is asked for."""
    torch.manual_seed(0)
    settings = StudentParams(**{**RTMPOSE_T, **params, "init": init})
    return initial_student(student_config(conventions, **params), settings, root)


def random_student(conventions: Sequence[str] = ("coco17",), seed: int = 1, **params: Any) -> PoseStudent:
    torch.manual_seed(seed)
    return PoseStudent(student_config(conventions, **params))


def save_like_mmpose(
    student: PoseStudent, path: Path, names: Sequence[str] | None, **more: torch.Tensor
) -> dict[str, torch.Tensor]:
    """A checkpoint whose dataset_meta has these joint names (None: no meta). Returns the weights."""
    weights = {**student.state_dict(), **more}
    meta = {"dataset_meta": {"keypoint_id2name": dict(enumerate(names))}} if names else {}
    torch.save({"meta": meta, "state_dict": weights}, path)
    return weights


@pytest.fixture
def start() -> Callable[..., InitialStudent]:
    return started


@pytest.fixture
def make_student() -> Callable[..., PoseStudent]:
    return random_student


@pytest.fixture
def save_checkpoint() -> Callable[..., dict[str, torch.Tensor]]:
    return save_like_mmpose
