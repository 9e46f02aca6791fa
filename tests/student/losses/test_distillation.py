"""The loss of a batch, with targets made by hand."""

import dataclasses

import numpy as np
import pytest
import torch

from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import build_union
from pipeline.params import ExtractParams, StudentParams
from pipeline.store.format.map_codec import MapCodec
from student.calibration.teacher_calibration import Calibration, Trust
from student.data.batch import TeacherBatch, TrainingBatch
from student.losses.distillation import DistillationLoss, LossWeights, total_loss
from student.losses.term import LossTerm
from student.network.config import StudentConfig
from student.targets.batch_targets import TargetMaker, TargetSettings
from student.targets.joint_targets import gaussian_targets
from student.targets.teacher_spec import TeacherSpec
from student.weighting.fixed import FixedWeighting

UNION = build_union([load_convention("coco17")])
STUDENT = StudentConfig.from_params(StudentParams(backbone="resnet18", input_size=(64, 96), sigma=1.5), UNION)
GEOMETRY = STUDENT.map
IDENTITY_123 = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
CODEC = MapCodec.of(ExtractParams(step=1, quiet=0.0), "heatmap", None)
SURE = Calibration(1.5, (1.2, 1.2), 1.0, (1.0,) * 2, Trust(2.0))
TEACHING = TeacherSpec(
    name="t",
    codec=CODEC,
    map_size=(16, 24),
    grid_size=(16, 24),
    source_R=np.array([0, 1]),
    union_R=np.array([5, 6]),
    weight_R=np.array([1.0, 0.5], np.float32),
    calibration=SURE,
    offset_R2=np.zeros((2, 2), np.float32),
)
SHOULDERS = torch.tensor([[[40.0, 30.0], [22.0, 31.0]]])
JOINTS = 17


def loss_of(teacher_specs=(TEACHING,), **changes) -> DistillationLoss:
    weight = changes.pop("teacher_weight", 1.0)
    weighting = FixedWeighting(dict.fromkeys((t.name for t in teacher_specs), weight), min_confidence=0.2)
    names = ("original", "teacher_loss", "drop_teachers")
    settings = {name: changes.pop(name) for name in names if name in changes}
    taught = {name: changes.pop(name) for name in ("share", "where", "joint_weights") if name in changes}
    taught = {"joint_weights": False, **taught}
    maker = TargetMaker(STUDENT, teacher_specs, weighting, ["data"], TargetSettings(**taught))
    return DistillationLoss(maker, LossWeights(**changes), **settings)


def terms_of(loss: DistillationLoss, answer: tuple[torch.Tensor], batch: TrainingBatch) -> list[LossTerm]:
    return loss.terms(answer, batch, torch.zeros(len(batch), 4))


def answer_of(
    confidence: tuple[float, float] = (0.9, 0.9), mode: float = 1.0, affine=IDENTITY_123, shift: float = 0.0
) -> TeacherBatch:
    """A teacher's joints are SHOULDERS; where `mode` is below 1, the rest of its map lies in one corner."""
    stored = torch.zeros(2, 24, 16, dtype=torch.uint8)
    stored[:, 20, 13] = 255
    spread = torch.tensor([[0, 0], [0, 1]]) if mode < 1 else torch.zeros((0, 2), dtype=torch.int64)
    maps = {"map": stored, "peak": torch.ones(2), "base": torch.zeros(2)}
    return TeacherBatch(
        row_A=torch.tensor([0]),
        keypoint_AK2=SHOULDERS + torch.tensor([shift, 0.0]),
        confidence_AK=torch.tensor([confidence]),
        mode_AK=torch.full((1, 2), mode),
        spread_N2=spread,
        stored={name: array[: len(spread)] for name, array in maps.items()},
        teacher_from_student_A23=affine,
    )


def batch_of(labelled: bool = False, absent: bool = False, flipped: bool = False, **teacher) -> TrainingBatch:
    """One crop."""
    return TrainingBatch(
        image_BHW3=torch.zeros(1, 96, 64, 3, dtype=torch.uint8),
        keypoint_BU2=torch.full((1, JOINTS, 2), 20.0),
        weight_BU=torch.full((1, JOINTS), float(labelled)),
        body_B=torch.tensor([40.0]),
        flipped_B=torch.tensor([flipped]),
        crop_id_B=torch.tensor([7]),
        dataset_B=torch.tensor([0]),
        teachers={} if absent else {"t": answer_of(**teacher)},
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


def test_a_teachers_term_is_weight_times_divergence_over_all_joints_of_the_batch():
    target = gaussian_targets(SHOULDERS, GEOMETRY, (1.5, 1.5))[0]
    log_student = logits()[0].detach()[:, 5:7].log_softmax(-1)
    kl = torch.nn.functional.kl_div(log_student, target, reduction="none").sum(-1)[0]
    wanted = float(1.0 * kl[0] + 0.5 * kl[1]) / JOINTS
    assert value("teacher/t", loss_of(), batch_of()) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("kind", ["label", "teacher"])
def test_a_joint_is_pulled_as_hard_however_few_others_are_supervised_beside_it(kind):
    """Gradients of the first crop's joint 5, with 64, 16, 4 and 1 of 64 crops supervised."""
    pulls = []
    for crops in (64, 16, 4, 1):
        one = batch_of(labelled=kind == "label", absent=kind == "label")
        weight_BU = torch.zeros(64, JOINTS)
        weight_BU[:crops] = one.weight_BU
        teachers = {}
        if kind == "teacher":
            teachers["t"] = dataclasses.replace(
                one.teachers["t"],
                row_A=torch.arange(crops),
                keypoint_AK2=SHOULDERS.expand(crops, 2, 2),
                confidence_AK=torch.full((crops, 2), 0.9),
                mode_AK=torch.ones(crops, 2),
                teacher_from_student_A23=IDENTITY_123.expand(crops, 2, 3),
            )
        batch = dataclasses.replace(
            one,
            image_BHW3=one.image_BHW3.expand(64, -1, -1, -1),
            keypoint_BU2=one.keypoint_BU2.expand(64, -1, -1),
            weight_BU=weight_BU,
            body_B=one.body_B.expand(64),
            flipped_B=torch.zeros(64, dtype=torch.bool),
            crop_id_B=torch.arange(64),
            dataset_B=torch.zeros(64, dtype=torch.int64),
            teachers=teachers,
        )
        answer = (torch.zeros(64, JOINTS, 384, requires_grad=True),)
        total_loss(terms_of(loss_of(), answer, batch)).backward()
        pulls.append(float(answer[0].grad[0, 5].norm()))
    assert max(pulls) == pytest.approx(min(pulls), rel=1e-5) and min(pulls) > 0


@pytest.mark.parametrize(("share", "factor"), [("joint", 1.0), ("teacher", 3.0)])
def test_three_teachers_of_one_joint_share_a_weight_or_add_up(share, factor):
    teacher_specs = [dataclasses.replace(TEACHING, name=name) for name in "abc"]
    batch = dataclasses.replace(batch_of(), teachers={name: answer_of() for name in "abc"})
    pulls = []
    for chosen in (teacher_specs[:1], teacher_specs):
        answer = (torch.zeros(1, JOINTS, 384, requires_grad=True),)
        total_loss(terms_of(loss_of(teacher_specs=chosen, share=share), answer, batch)).backward()
        pulls.append(float(answer[0].grad[0, 5].norm()))
    assert pulls[1] == pytest.approx(factor * pulls[0], rel=1e-5)


def test_where_a_label_is_teachers_may_be_left_out():
    batch = batch_of(labelled=True)
    weight_BU = batch.weight_BU.clone()
    weight_BU[0, 6] = 0
    batch = dataclasses.replace(batch, weight_BU=weight_BU)
    answer = logits()
    total_loss(terms_of(loss_of(where="unlabelled", ground_truth=0.0), answer, batch)).backward()
    assert (answer[0].grad[0].abs().amax(-1) > 0).nonzero().flatten().tolist() == [6]


def test_a_joint_counts_by_its_conventions_weight_for_labels_and_teachers_alike():
    wrist = UNION.joints.index("left_wrist")
    assert UNION.joint_weights[wrist] == 1.5  # of MMPose's dataset info for COCO
    for batch in (batch_of(labelled=True, absent=True), batch_of()):
        pulls = []
        for weighted in (False, True):
            answer = (torch.zeros(1, JOINTS, 384, requires_grad=True),)
            spec = dataclasses.replace(TEACHING, union_R=np.array([wrist, 5]))
            loss = loss_of(teacher_specs=(spec,), joint_weights=weighted)
            total_loss(terms_of(loss, answer, batch)).backward()
            pulls.append(answer[0].grad[0].norm(dim=-1))
        ratio = (pulls[1] / pulls[0])[[wrist, 5]]
        assert ratio.tolist() == pytest.approx([1.5, 1.0])


def test_what_a_map_has_beside_its_peak_is_taught_too():
    answer = (torch.zeros(1, JOINTS, 384, requires_grad=True),)
    total_loss(terms_of(loss_of(), answer, batch_of(mode=0.75))).backward()
    # The gradient of a joint of weight 1 is (student - target) / joints of the batch.
    target_HW = (1 / 384 - JOINTS * answer[0].grad[0, 5]).unflatten(0, (24, 16))
    assert float(target_HW[1:14, 3:16].sum()) == pytest.approx(0.75, abs=0.01)  # around the joint
    assert float(target_HW[15:, 8:].sum()) == pytest.approx(0.25, abs=0.01)  # around the corner's peak


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


def test_a_joint_outside_the_students_crop_is_not_taught():
    answer = logits()
    total_loss(terms_of(loss_of(), answer, batch_of(shift=30.0))).backward()  # 40 + 30 is beyond 63
    assert (answer[0].grad[0].abs().amax(-1) > 0).nonzero().flatten().tolist() == [6]


def test_cells_beyond_the_teachers_map_get_no_gradient():
    answer = logits()
    half = torch.tensor([[[1.0, 0.0, -8.0], [0.0, 1.0, 0.0]]])  # the teacher sees columns from 8 on only
    total_loss(terms_of(loss_of(), answer, batch_of(affine=half))).backward()
    columns = answer[0].grad[0, 5].unflatten(0, (24, 16)).abs().amax(0)
    assert (columns[:8] == 0).all() and (columns[8:] > 0).all()
    assert answer[0].grad[0, 6].abs().max() == 0  # its joint lies in column 5


def test_ground_truth_teaches_labelled_joints_only():
    answer = logits()
    batch = batch_of(labelled=True, absent=True)
    weight_BU = batch.weight_BU.clone()
    weight_BU[0, 3:] = 0
    total_loss(terms_of(loss_of(), answer, dataclasses.replace(batch, weight_BU=weight_BU))).backward()
    assert (answer[0].grad[0].abs().amax(-1) > 0).nonzero().flatten().tolist() == [0, 1, 2]


def test_the_total_weighs_ground_truth_and_teachers_by_the_settings():
    loss = loss_of(ground_truth=0.25, distill=3.0)
    terms = terms_of(loss, logits(), batch_of(labelled=True))
    parts = {term.name: float(term.value.detach()) for term in terms}
    assert float(total_loss(terms).detach()) == pytest.approx(
        0.25 * parts["ground_truth"] + 3.0 * parts["teacher/t"]
    )


def test_coordinate_and_pairwise_terms_are_logged_with_their_weights():
    terms = terms_of(loss_of(distill=2.0, coordinate=0.5, pairwise=0.25), logits(), batch_of())
    assert [(term.name, term.weight) for term in terms] == [
        ("ground_truth", 1.0),
        ("teacher/t", 2.0),
        ("coordinate/t", 1.0),
        ("relation/t", 0.5),
    ]
    assert all(torch.isfinite(term.value) for term in terms)


def test_a_student_that_is_at_the_teachers_own_joint_has_no_coordinate_error():
    """Wherever the rest of the map lies: the target is the joint, not the map's mean place."""
    place_BU2 = torch.full((1, JOINTS, 2), 20.0)
    place_BU2[:, 5:7] = SHOULDERS
    student = tuple(axis.clamp_min(1e-30).log() for axis in gaussian_targets(place_BU2, GEOMETRY, (1.5, 1.5)))
    terms = terms_of(loss_of(coordinate=1.0), student, batch_of(mode=0.6))
    (error,) = (float(term.value) for term in terms if term.name == "coordinate/t")
    assert error < 1e-3


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
