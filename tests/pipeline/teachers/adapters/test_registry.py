import subprocess
import sys

import pytest
import torch

from pipeline.errors import KDError
from pipeline.params import TeacherParams
from pipeline.teachers.adapters.registry import build_teacher


def test_an_unknown_convention_names_the_nearest(tmp_path):
    params = TeacherParams(adapter="onnx", checkpoint="a.onnx", config="a.yaml", convention="coco71")
    with pytest.raises(KDError, match="there is no convention 'coco71'. Did you mean 'coco17'"):
        build_teacher("t", params, tmp_path, torch.device("cpu"))


def test_an_onnx_teacher_needs_nothing_of_openmmlab(repository, tiny_onnx, tmp_path):
    tiny_onnx()
    script = f"""
import sys
from pathlib import Path
import torch
for name in ("mmpose", "mmdet", "mmengine", "mmcv"):
    sys.modules[name] = None  # as if not installed
from pipeline.params import TeacherParams
from pipeline.teachers.adapters.registry import build_teacher
params = TeacherParams(adapter="onnx", checkpoint="tiny.onnx", config="tiny.yaml", convention="coco17")
teacher = build_teacher("t", params, Path({str(tmp_path)!r}), torch.device("cpu"))
print(teacher.convention.num_joints)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=repository, capture_output=True, text=True)
    assert done.stdout.strip() == "5", done.stderr
