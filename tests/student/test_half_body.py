"""Half-body crops."""

import numpy as np
import pytest

from pipeline.conventions.registry import load_convention
from student.half_body import half_body_box, is_lower_body

COCO = load_convention("coco17").joints
BOX_4 = np.array([0.0, 0.0, 100.0, 200.0])


def person() -> np.ndarray:
    """Upper joints in the rectangle (10, 20) to (50, 80), lower ones in (20, 100) to (60, 180)."""
    lower_U = is_lower_body(COCO)
    points = np.empty((17, 2))
    points[~lower_U] = np.linspace([10, 20], [50, 80], int((~lower_U).sum()))
    points[lower_U] = np.linspace([20, 100], [60, 180], int(lower_U.sum()))
    return points


def boxes(weight_U: np.ndarray) -> set[tuple[float, ...]]:
    return {
        tuple(half_body_box(BOX_4, COCO, person(), weight_U, np.random.default_rng(seed)).tolist())
        for seed in range(20)
    }


def test_hips_and_below_are_the_lower_half():
    lower = [joint for joint, is_lower in zip(COCO, is_lower_body(COCO), strict=True) if is_lower]
    assert lower == [f"{side}_{part}" for part in ("hip", "knee", "ankle") for side in ("left", "right")]


def test_a_half_is_the_widened_box_of_its_joints():
    upper, lower = sorted(boxes(np.ones(17)), key=lambda box: box[1])
    assert upper == pytest.approx((10 - 4, 20 - 6, 48, 72))
    assert lower == pytest.approx((20 - 4, 100 - 8, 48, 96))


def test_with_too_few_labels_the_box_stays():
    weight_U = np.zeros(17)
    weight_U[:8] = 1
    assert boxes(weight_U) == {tuple(BOX_4.tolist())}


def test_a_half_without_enough_joints_is_not_chosen():
    weight_U = np.where(is_lower_body(COCO), 0.0, 1.0)
    assert len(boxes(weight_U)) == 1
    assert next(iter(boxes(weight_U)))[3] == pytest.approx(72)
