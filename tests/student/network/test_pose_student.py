"""The student network's frozen stages."""

import torch

from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import build_union
from pipeline.params import StudentParams
from student.network.config import StudentConfig
from student.network.pose_student import PoseStudent


def test_frozen_stages_neither_learn_nor_count_statistics():
    params = StudentParams(backbone="resnet18", input_size=(64, 64), width=16)
    student = PoseStudent(StudentConfig.from_params(params, build_union([load_convention("coco17")])))
    student.freeze(2)
    student.train()
    frozen, free = student.backbone.bn1, student.backbone.layer2[0].bn1
    student(torch.randn(2, 3, 64, 64))
    assert not any(p.requires_grad for p in student.backbone.layer1.parameters())
    assert all(p.requires_grad for p in student.backbone.layer2.parameters())
    assert frozen.num_batches_tracked == 0 and free.num_batches_tracked == 1
