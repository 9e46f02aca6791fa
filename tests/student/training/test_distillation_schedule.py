"""How much distillation counts in the course of a training."""

import pytest

from student.training.distillation_schedule import distillation_factor


@pytest.mark.parametrize(
    ("schedule", "warmup", "wanted"),
    [
        ("constant", 0, [1.0, 1.0, 1.0, 1.0]),
        ("constant", 2, [1 / 3, 2 / 3, 1.0, 1.0]),
        ("decay", 0, [1.0, 0.75, 0.5, 0.25]),
        ("decay", 1, [0.5, 0.75, 0.5, 0.25]),
    ],
)
def test_factors_by_epoch(schedule, warmup, wanted):
    assert [distillation_factor(e, 4, schedule, warmup) for e in range(4)] == pytest.approx(wanted)
