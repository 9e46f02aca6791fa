"""MMPose's networks without MMPose's training: in a process of its own, which has imported nothing before."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.mm

_USED_BY_TRAINING_ONLY = (
    "mmpose.datasets",
    "mmpose.evaluation",
    "mmdet.models",
    "scipy",
    "matplotlib.pyplot",
    "torchvision",
    "torch.distributed.fsdp",
    "torch._dynamo",
)


def printed_by(code: str, repository) -> object:
    """What the code prints as JSON, at the end of its output."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_teacher_starts_and_answers_without_what_only_training_uses(repository):
    code = f"""
import json, sys, torch
from pathlib import Path
from pipeline.teachers.adapters.registry import build_teacher
from pipeline.workspace import Workspace

params = Workspace.open(Path()).teacher("simcc_mpii")
teacher = build_teacher("simcc_mpii", params, Path(), torch.device("cpu"))
width, height = teacher.crop.input_size
teacher.predict(torch.zeros(1, height, width, 3, dtype=torch.uint8))
print(json.dumps([name for name in {_USED_BY_TRAINING_ONLY} if name in sys.modules]))
"""
    assert printed_by(code, repository) == []


def test_what_was_left_out_is_there_when_it_is_called(repository):
    """Of two joints one is where it should be, the other 10 of 100 pixels off: half of them are right."""
    code = """
import json, sys
import numpy as np
import pipeline.teachers.adapters.mmpose.networks
from pipeline.teachers.adapters.mmpose.config import scope
from mmpose.models.heads.heatmap_heads import heatmap_head

before = "mmpose.evaluation" in sys.modules
maps = np.zeros((2, 1, 2, 100, 100), np.float32)
maps[:, 0, 0, 50, 50] = maps[0, 0, 1, 20, 20] = maps[1, 0, 1, 20, 30] = 1
_, accuracy, _ = heatmap_head.pose_pck_accuracy(maps[0], maps[1], np.ones((1, 2), bool))
from mmpose.evaluation.functional import pose_pck_accuracy
from mmpose.registry import DATASETS

with scope("mmpose"):
    known = DATASETS.get("CocoDataset").METAINFO["from_file"]
print(json.dumps([before, accuracy, pose_pck_accuracy(maps[0], maps[1], np.ones((1, 2), bool))[1], known]))
"""
    assert printed_by(code, repository) == [False, 0.5, 0.5, "configs/_base_/datasets/coco.py"]
