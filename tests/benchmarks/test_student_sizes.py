"""Sizes of students, beside those that MMPose publishes."""

import pytest

from benchmarks.student_sizes import size_of


@pytest.mark.parametrize(
    ("backbone", "parameters_m", "macs_g"),
    [("cspnext_t", 3.34, 0.36), ("cspnext_s", 5.47, 0.68), ("cspnext_m", 13.59, 1.93)],
)
def test_rtmposes_sizes_are_those_of_mmposes_model_zoo(backbone, parameters_m, macs_g):
    """mmpose/configs/body_2d_keypoint/rtmpose/coco/rtmpose_coco.md, 256 x 192; its FLOPs are MACs,
    those of norms and activations counted in."""
    found = size_of(backbone, "rtmcc", (192, 256))
    assert found["parameters_m"] == pytest.approx(parameters_m, abs=0.006)
    assert found["macs_g"] == pytest.approx(macs_g, rel=0.03)
