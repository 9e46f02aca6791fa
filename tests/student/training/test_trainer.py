"""What the settings of a training do to a step."""

from typing import Any

import pytest
import torch
from torch import nn

from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import build_union
from pipeline.params import StudentParams, TrainParams
from student.data.batch import TrainingBatch
from student.losses.distillation import DistillationLoss
from student.losses.term import LossTerm
from student.network.config import StudentConfig
from student.network.pose_student import PoseStudent
from student.training.trainer import Trainer

CPU = torch.device("cpu")


class SteepLoss(DistillationLoss):
    """Its gradients are far larger than any norm that one would clip to."""

    def __init__(self) -> None:
        pass

    def learned(self) -> tuple[nn.Module, ...]:
        return ()

    def terms(self, logits: tuple[torch.Tensor, ...], *_: Any) -> list[LossTerm]:
        return [LossTerm("steep", 1e4 * torch.stack([axis.square().sum() for axis in logits]).sum(), 1.0)]


def trainer(steps_per_epoch: int = 10, **train: Any) -> Trainer:
    torch.manual_seed(0)
    params = StudentParams(backbone="cspnext_t", head="rtmcc", input_size=(64, 64))
    student = PoseStudent(StudentConfig.from_params(params, build_union([load_convention("coco17")])))
    settings = TrainParams(datasets=("dots",), epochs=10, **train)
    return Trainer(student, SteepLoss(), settings, steps_per_epoch, CPU)


def batch() -> TrainingBatch:
    generator = torch.Generator().manual_seed(0)
    return TrainingBatch(
        image_BHW3=torch.randint(256, (2, 64, 64, 3), dtype=torch.uint8, generator=generator),
        keypoint_BU2=torch.zeros(2, 17, 2),
        weight_BU=torch.ones(2, 17),
        body_B=torch.ones(2),
        flipped_B=torch.zeros(2, dtype=torch.bool),
        crop_id_B=torch.arange(2),
        dataset_B=torch.zeros(2, dtype=torch.int64),
        teachers={},
    )


def gradient_norm(model: nn.Module) -> float:
    squares = [p.grad.square().sum() for p in model.parameters() if p.grad is not None]
    return float(torch.stack(squares).sum().sqrt())


def test_gradients_are_clipped_to_the_norm_that_is_set():
    clipped = trainer(clip_grad_norm=2.0)
    clipped.learn(batch())
    assert gradient_norm(clipped.student) == pytest.approx(2.0, rel=1e-3)


def test_without_a_norm_gradients_are_taken_as_they_are():
    free, clipped = trainer(clip_grad_norm=None), trainer(clip_grad_norm=1e30)
    for each in (free, clipped):
        each.learn(batch())
    assert gradient_norm(free.student) > 1e3
    for own, other in zip(free.student.parameters(), clipped.student.parameters(), strict=True):
        assert torch.equal(own.grad, other.grad)


@pytest.mark.parametrize(
    ("train", "steps"), [({"warmup_epochs": 2.5}, 25), ({"warmup_steps": 7}, 7), ({"warmup_steps": 0}, 0)]
)
def test_the_warm_up_is_in_epochs_or_in_steps(train: dict, steps: int):
    assert trainer(**train).warmup_steps == steps


def test_the_average_has_the_ramp_that_is_set():
    assert trainer().average.ramp == "hyperbolic"
    assert trainer(ema_ramp="exponential").average.ramp == "exponential"


def test_a_decay_of_zero_is_no_average():
    taught = trainer(ema_decay=0.0, ema_ramp="exponential")
    for _ in range(2):
        taught.learn(batch())
    kept, newest = taught.average.model.state_dict(), taught.student.state_dict()
    assert all(torch.equal(kept[name], newest[name]) for name in newest)


@pytest.mark.parametrize(("amp", "wanted"), [("bf16", torch.bfloat16), ("off", torch.float32)])
def test_the_network_runs_in_the_precision_that_is_set(amp, wanted):
    taught, seen = trainer(amp=amp), []
    taught.student.head.register_forward_hook(lambda *args: seen.append(args[2][0].dtype))
    taught.learn(batch())
    assert seen == [wanted]


def test_the_learning_rate_rises_over_the_warm_up():
    taught = trainer(learning_rate=0.01, warmup_steps=4)
    rates = []
    for _ in range(5):
        taught.learn(batch())
        rates.append(taught.learning_rate)
    assert rates[:4] == pytest.approx([0.0025, 0.005, 0.0075, 0.01]) and rates[4] <= 0.01
