"""Answers of teachers and what is known of a batch, made by hand."""

from collections.abc import Callable

import pytest
import torch

from student.teacher_targets import TeacherTargets
from student.weighting.strategy import Sample, TeacherAnswer


@pytest.fixture(scope="session")
def answer() -> Callable[..., TeacherAnswer]:
    """`said[crop][relation]`: a distribution over positions; the relations stand for union joints `union`."""

    def make(said, union=None, confidence=None, rows=None) -> TeacherAnswer:
        said_ARP = torch.tensor(said)
        crops, relations, positions = said_ARP.shape
        union_R = torch.tensor(range(relations) if union is None else union)
        targets = TeacherTargets(
            positions=(said_ARP,),
            known=(torch.ones(crops, positions, dtype=torch.bool),),
            seen_AR=torch.ones(crops, relations),
            confidence_AR=torch.ones(crops, relations) if confidence is None else torch.tensor(confidence),
            union_AR=union_R.expand(crops, relations),
        )
        return TeacherAnswer(torch.tensor(range(crops) if rows is None else rows), targets)

    return make


@pytest.fixture(scope="session")
def sample() -> Callable[..., Sample]:
    """Labels `truth[crop][joint]` over positions and their weights."""

    def make(truth, weight, dataset=None, feature=None) -> Sample:
        truth_BUP, weight_BU = torch.tensor(truth), torch.tensor(weight)
        crops = len(weight_BU)
        return Sample(
            truth=(truth_BUP,),
            truth_weight_BU=weight_BU,
            dataset_B=torch.zeros(crops, dtype=torch.int64) if dataset is None else torch.tensor(dataset),
            feature_BC=torch.zeros(crops, 3) if feature is None else torch.tensor(feature),
        )

    return make
