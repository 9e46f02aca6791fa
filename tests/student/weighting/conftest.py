"""Answers of teachers and what is known of a batch, made by hand."""

from collections.abc import Callable

import pytest
import torch

from student.targets.joint_targets import TeacherTargets
from student.weighting.strategy import Evidence, TeacherAnswer


@pytest.fixture(scope="session")
def answer() -> Callable[..., TeacherAnswer]:
    """`place[crop][relation]`: x, y in pixels; the relations stand for union joints `union`. Maps are of one
    position: no strategy looks at them."""

    def make(place, union=None, confidence=None, rows=None, trust=0.8, taught=None) -> TeacherAnswer:
        keypoint_AR2 = torch.tensor(place, dtype=torch.float32)
        crops, relations, _ = keypoint_AR2.shape
        union_R = torch.tensor(range(relations) if union is None else union)
        shape = (crops, relations)
        targets = TeacherTargets(
            positions=(torch.ones(*shape, 1),),
            known=(torch.ones(crops, 1, dtype=torch.bool),),
            keypoint_AR2=keypoint_AR2,
            mode_AR=torch.ones(shape),
            taught_AR=torch.ones(shape, dtype=torch.bool) if taught is None else torch.tensor(taught),
            confidence_AR=torch.ones(shape) if confidence is None else torch.tensor(confidence),
            union_AR=union_R.expand(crops, relations),
        )
        rows_A = torch.tensor(range(crops) if rows is None else rows)
        return TeacherAnswer(rows_A, targets, torch.full(shape, trust))

    return make


@pytest.fixture(scope="session")
def sample() -> Callable[..., Evidence]:
    """Labels `place[crop][joint]` and their weights; a tolerance of one pixel."""

    def make(place, weight, dataset=None, feature=None) -> Evidence:
        weight_BU = torch.tensor(weight)
        crops = len(weight_BU)
        return Evidence(
            keypoint_BU2=torch.tensor(place, dtype=torch.float32),
            truth_weight_BU=weight_BU,
            tolerance_BU=torch.ones(weight_BU.shape),
            dataset_B=torch.zeros(crops, dtype=torch.int64) if dataset is None else torch.tensor(dataset),
            feature_BC=torch.zeros(crops, 3) if feature is None else torch.tensor(feature),
        )

    return make
