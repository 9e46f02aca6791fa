"""The loss of a batch, with targets made by hand."""

import dataclasses

import numpy as np
import pytest
import torch

from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import build_union
from pipeline.params import ExtractParams, StudentParams
from pipeline.store.map_codec import MapCodec
from student.batch import TeacherBatch, TrainingBatch
from student.distillation import DistillationLoss, LossWeights
from student.losses.term import LossTerm, total_loss
from student.student_config import StudentConfig
from student.targets import gaussian_targets
from student.teacher_targets import HEATMAP_EXPONENT
from student.teaching import Teaching
from student.weighting.fixed import FixedWeighting

UNION = build_union([load_convention("coco17")])
STUDENT = StudentConfig.from_params(StudentParams(backbone="resnet18", input_size=(64, 96), sigma=1.5), UNION)
GEOMETRY = STUDENT.map
IDENTITY_123 = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
CODEC = MapCodec.of(ExtractParams(step=1, quiet=0.0), "heatmap", None)
TEACHING = Teaching(
    name="t",
    codec=CODEC,
    map_size=(16, 24),
    grid_size=(16, 24),
    source_R=np.array([0, 1]),
    union_R=np.array([5, 6]),
    weight_R=np.array([1.0, 0.5], np.float32),
)
SHOULDERS = torch.tensor([[[40.0, 30.0], [22.0, 31.0]]])


def loss_of(**changes) -> DistillationLoss:
    weighting = FixedWeighting({"t": changes.pop("teacher_weight", 1.0)}, min_confidence=0.2)
    settings = {name: changes.pop(name) for name in ("original", "teacher_loss") if name in changes}
    return DistillationLoss(STUDENT, [TEACHING], weighting, LossWeights(**changes), **settings)


def terms_of(loss: DistillationLoss, answer: tuple[torch.Tensor], batch: TrainingBatch) -> list[LossTerm]:
    return loss.terms(answer, batch, torch.zeros(1, 4))


def batch_of(
    labelled: bool = False, confidence: tuple[float, float] = (0.9, 0.9), **teacher
) -> TrainingBatch:
    """One crop; the teacher's map is the student's, with peaks at SHOULDERS."""
    (flat,) = gaussian_targets(SHOULDERS, GEOMETRY, 1.5)
    stored = (flat / flat.amax(-1, keepdim=True) * 255).round().to(torch.uint8).unflatten(-1, (24, 16))
    answer = TeacherBatch(
        row_A=torch.tensor([0]),
        stored={"map": stored, "peak": torch.ones(1, 2), "base": torch.zeros(1, 2)},
        confidence_AK=torch.tensor([confidence]),
        teacher_from_student_A23=teacher.get("affine", IDENTITY_123),
    )
    keypoints = torch.full((1, 17, 2), 20.0)
    return TrainingBatch(
        image_BHW3=torch.zeros(1, 96, 64, 3, dtype=torch.uint8),
        keypoint_BU2=keypoints,
        weight_BU=torch.full((1, 17), float(labelled)),
        flipped_B=torch.tensor([teacher.get("flipped", False)]),
        crop_id_B=torch.tensor([7]),
        dataset_B=torch.tensor([0]),
        teachers={} if teacher.get("absent") else {"t": answer},
    )


def logits() -> tuple[torch.Tensor]:
    values = torch.randn(1, 17, 384, generator=torch.Generator().manual_seed(0))
    return (values.requires_grad_(),)


def value(name: str, loss: DistillationLoss, batch: TrainingBatch) -> float:
    return next(float(term.value.detach()) for term in terms_of(loss, logits(), batch) if term.name == name)


def test_a_batch_without_any_trusted_teacher_costs_nothing_and_has_no_nan_gradient():
    answer = logits()
    total = total_loss(terms_of(loss_of(), answer, batch_of(confidence=(0.1, 0.1))))
    total.backward()
    assert total.item() == 0
    assert answer[0].grad.abs().max() == 0


def test_a_batch_that_no_teacher_answered_still_logs_every_term():
    terms = terms_of(loss_of(), logits(), batch_of(absent=True))
    assert [term.name for term in terms] == ["ground_truth", "teacher/t"]
    assert total_loss(terms).item() == 0


def test_a_teachers_term_is_the_mean_over_its_joints_of_weight_times_divergence():
    # A Gaussian raised to the power e is one of deviation sigma / sqrt(e).
    target = gaussian_targets(SHOULDERS, GEOMETRY, 1.5 / HEATMAP_EXPONENT**0.5)[0]
    said = logits()[0].detach()[:, 5:7].log_softmax(-1)
    kl = torch.nn.functional.kl_div(said, target, reduction="none").sum(-1)[0]
    wanted = float((1.0 * kl[0] + 0.5 * kl[1]) / 2)
    # Stored in bytes, the map is not quite the target.
    assert value("teacher/t", loss_of(), batch_of()) == pytest.approx(wanted, rel=1e-2)


def test_a_teachers_fixed_weight_scales_its_term():
    once, twice = (value("teacher/t", loss_of(teacher_weight=w), batch_of()) for w in (1.0, 2.0))
    assert twice == pytest.approx(2 * once)


def test_only_the_joint_the_teacher_is_sure_of_is_taught():
    answer = logits()
    total_loss(terms_of(loss_of(), answer, batch_of(confidence=(0.9, 0.1)))).backward()
    taught = answer[0].grad[0].abs().amax(-1) > 0
    assert taught.nonzero().flatten().tolist() == [5]


def test_in_a_mirrored_crop_the_teachers_left_teaches_the_students_right():
    answer = logits()
    total_loss(terms_of(loss_of(), answer, batch_of(confidence=(0.9, 0.1), flipped=True))).backward()
    assert (answer[0].grad[0].abs().amax(-1) > 0).nonzero().flatten().tolist() == [6]


def test_a_joint_whose_map_lies_outside_the_students_crop_is_not_taught():
    beyond = torch.tensor([[[1.0, 0.0, 100.0], [0.0, 1.0, 0.0]]])
    half = torch.tensor([[[1.0, 0.0, 8.0], [0.0, 1.0, 0.0]]])  # the student sees columns 8 to 15 only
    answer = logits()
    total_loss(terms_of(loss_of(), answer, batch_of(affine=beyond))).backward()
    assert answer[0].grad.abs().max() == 0
    answer = logits()
    total_loss(terms_of(loss_of(), answer, batch_of(affine=half))).backward()
    assert (answer[0].grad[0].abs().amax(-1) > 0).nonzero().flatten().tolist() == [5]  # at 40 px: column 9.6


def test_cells_beyond_the_teachers_map_get_no_gradient():
    answer = logits()
    half = torch.tensor([[[1.0, 0.0, 8.0], [0.0, 1.0, 0.0]]])
    total_loss(terms_of(loss_of(), answer, batch_of(affine=half))).backward()
    columns = answer[0].grad[0, 5].unflatten(0, (24, 16)).abs().amax(0)
    assert (columns[8:] == 0).all() and (columns[:8] > 0).all()


def test_ground_truth_teaches_labelled_joints_only():
    answer = logits()
    batch = batch_of(labelled=True, absent=True)
    weight_BU = batch.weight_BU.clone()
    weight_BU[0, 3:] = 0
    total_loss(terms_of(loss_of(), answer, dataclasses.replace(batch, weight_BU=weight_BU))).backward()
    assert (answer[0].grad[0].abs().amax(-1) > 0).nonzero().flatten().tolist() == [0, 1, 2]


def test_the_total_weighs_ground_truth_and_teachers_as_told():
    loss = loss_of(ground_truth=0.25, distill=3.0)
    terms = terms_of(loss, logits(), batch_of(labelled=True))
    parts = {term.name: float(term.value.detach()) for term in terms}
    assert float(total_loss(terms).detach()) == pytest.approx(
        0.25 * parts["ground_truth"] + 3.0 * parts["teacher/t"]
    )


def test_coordinate_and_relation_terms_are_logged_with_their_weights():
    terms = terms_of(loss_of(distill=2.0, coordinate=0.5, relation=0.25), logits(), batch_of())
    assert [(term.name, term.weight) for term in terms] == [
        ("ground_truth", 1.0),
        ("teacher/t", 2.0),
        ("coordinate/t", 1.0),
        ("relation/t", 0.5),
    ]
    assert all(torch.isfinite(term.value) for term in terms)


def test_the_schedules_factor_multiplies_teachers_terms_only():
    terms = loss_of().terms(logits(), batch_of(labelled=True), torch.zeros(1, 4), distill_factor=0.25)
    assert [term.weight for term in terms] == [1.0, 0.25]


def test_the_original_sum_is_logged_with_the_weights_it_comes_to():
    loss = loss_of(original=True, ground_truth=0.3, teacher_weight=0.45)
    terms = loss.terms(logits(), batch_of(labelled=True), torch.zeros(1, 4), distill_factor=0.5)
    assert [term.weight for term in terms] == pytest.approx([1.3, 1.0])


def test_under_a_dropped_patch_a_teacher_teaches_nothing():
    answer = logits()
    batch = dataclasses.replace(batch_of(), dropped_B4=torch.tensor([[-0.5, -0.5, 31.5, 95.5]]))
    total_loss(terms_of(loss_of(), answer, batch)).backward()
    columns = answer[0].grad[0, 5].unflatten(0, (24, 16)).abs().amax(0)  # the shoulder at x = 40
    assert (columns[:8] == 0).all() and (columns[8:] > 0).all()
    assert answer[0].grad[0, 6].abs().max() == 0  # the one at x = 22 lies under the patch
