"""Teacher weights."""

import torch

from student.teacher_targets import TeacherTargets
from student.weighting import FixedWeighting, GroundTruth, TeacherAnswer


def answer(confidence: list[list[float]]) -> TeacherAnswer:
    confidence_AR = torch.tensor(confidence)
    crops, relations = confidence_AR.shape
    targets = TeacherTargets(
        positions=(torch.full((crops, relations, 4), 0.25),),
        known=(torch.ones(crops, 4, dtype=torch.bool),),
        seen_AR=torch.ones(crops, relations),
        confidence_AR=confidence_AR,
        union_AR=torch.zeros(crops, relations, dtype=torch.int64),
    )
    return TeacherAnswer(torch.arange(crops), targets)


def test_a_fixed_weight_holds_wherever_the_teacher_is_sure_enough():
    weighting = FixedWeighting({"a": 0.25, "b": 2.0}, min_confidence=0.3)
    truth = GroundTruth((torch.zeros(2, 1, 4),), torch.zeros(2, 1))
    weights = weighting({"a": answer([[0.9, 0.3], [0.29, 0.0]]), "b": answer([[0.5]])}, truth)
    assert weights["a"].tolist() == [[0.25, 0.25], [0.0, 0.0]]
    assert weights["b"].tolist() == [[2.0]]
