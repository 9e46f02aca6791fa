import sys

import numpy as np
import pytest

from pipeline.errors import KDError
from pipeline.teachers.adapters.mmpose.ext import install_mmcv_ext

pytestmark = pytest.mark.mm


@pytest.fixture(scope="module")
def operators():
    install_mmcv_ext()
    if (
        not hasattr(sys.modules["mmcv._ext"], "__spec__")
        or sys.modules["mmcv._ext"].__spec__.loader is not None
    ):
        pytest.skip("a full mmcv is installed; the stand-in is not used")
    import mmcv.ops

    return mmcv.ops


def test_what_a_teacher_or_detector_needs_of_openmmlab_imports():
    install_mmcv_ext()
    import mmdet.apis
    import mmdet.models
    import mmpose.apis
    import mmpose.datasets
    import mmpose.models

    assert (
        mmpose.apis.inference_topdown and mmpose.models.TopdownPoseEstimator and mmpose.datasets.CocoDataset
    )
    assert mmdet.apis.inference_detector and mmdet.models.RTMDet


def test_nms_keeps_the_best_of_overlapping_boxes_as_mmcvs_documentation_shows(operators):
    boxes = np.array(
        [
            [49.1, 32.4, 51.0, 35.9],
            [49.3, 32.9, 51.0, 35.3],
            [49.2, 31.8, 51.0, 35.4],
            [35.1, 11.5, 39.1, 15.7],
            [35.6, 11.8, 39.3, 14.2],
            [35.3, 11.5, 39.9, 14.5],
            [35.2, 11.7, 39.7, 15.7],
        ],
        dtype=np.float32,
    )
    scores = np.array([0.9, 0.9, 0.5, 0.5, 0.5, 0.4, 0.3], dtype=np.float32)
    kept, indices = operators.nms(boxes, scores, 0.6)
    assert len(kept) == len(indices) == 3


def test_nms_counts_the_last_pixel_where_offset_says_so(operators):
    """[0, 0, 1, 1] and [0, 0, 1, 2]: IoU 1 / 2 without the last pixel, (2 * 2) / (2 * 3) with it."""
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 2]], dtype=np.float32)
    scores = np.array([0.9, 0.8], dtype=np.float32)
    assert len(operators.nms(boxes, scores, 0.6, offset=0)[1]) == 2
    assert len(operators.nms(boxes, scores, 0.6, offset=1)[1]) == 1


def test_any_other_operator_says_what_to_do_when_called(operators):
    with pytest.raises(KDError, match=r"softnms.*Install a full mmcv 2\.x"):
        operators.soft_nms(np.zeros((1, 4), np.float32), np.ones(1, np.float32))


def test_a_full_mmcv_is_left_alone(monkeypatch):
    full = type(sys)("mmcv._ext")
    monkeypatch.setitem(sys.modules, "mmcv._ext", full)
    install_mmcv_ext()
    assert sys.modules["mmcv._ext"] is full
