"""Our RTMPose is MMPose's, at every size and input size."""

import pytest
import torch

from benchmarks import parity

pytestmark = [pytest.mark.mm]


@pytest.mark.parametrize("input_size", parity.INPUTS)
@pytest.mark.parametrize("size", parity.SIZES)
def test_with_the_same_weights_the_outputs_are_the_same(size, input_size):
    found = parity.differences(size, input_size, seed=1)
    for name in ("feature", "simcc_x", "simcc_y"):
        assert found[f"{name}_largest"] > 0.5, "nothing to compare"
        assert found[f"{name}_difference"] < 1e-4


def test_the_measure_sees_another_epsilon(monkeypatch):
    """CSPNeXt's own default, 1e-3, where MMPose's configs have 1e-5."""

    def with_another_epsilon(size, input_size):
        student = student_of(size, input_size)
        for module in student.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eps = 1e-3
        return student

    student_of = parity.student_of
    monkeypatch.setattr(parity, "student_of", with_another_epsilon)
    assert parity.differences("t", (192, 256), seed=1)["simcc_x_difference"] > 1e-3
