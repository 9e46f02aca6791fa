"""Half-body crops."""

import numpy as np
import pytest

from pipeline.conventions.registry import load_convention
from student.data.half_body import half_body_box, is_lower_body

COCO = load_convention("coco17").joints
BOX_4 = np.array([0.0, 0.0, 100.0, 200.0])


def person() -> np.ndarray:
    """Eleven upper joints: one at (10, 20), ten at (54, 86); six lower ones: five at (20, 100), one at
    (50, 184). So the mean of either half is not the middle of its extent."""
    lower_U = is_lower_body(COCO)
    points = np.empty((17, 2))
    points[~lower_U] = [[10, 20]] + [[54, 86]] * 10
    points[lower_U] = [[20, 100]] * 5 + [[50, 184]]
    return points


def boxes(weight_U: np.ndarray) -> set[tuple[float, ...]]:
    return {
        tuple(half_body_box(BOX_4, COCO, person(), weight_U, np.random.default_rng(seed)).tolist())
        for seed in range(20)
    }


def test_hips_and_below_are_the_lower_half():
    lower = [joint for joint, is_lower in zip(COCO, is_lower_body(COCO), strict=True) if is_lower]
    assert lower == [f"{side}_{part}" for part in ("hip", "knee", "ankle") for side in ("left", "right")]


def test_a_half_is_as_large_as_its_joints_extent_widened_around_their_mean():
    """MMPose's centre is the mean of the joints; its 1.5 is our 1.2 times the crop's padding of 1.25."""
    upper, lower = sorted(boxes(np.ones(17)), key=lambda box: box[1])
    # Extent 44 x 66, times 1.2; mean (50, 80).
    assert upper == pytest.approx((50 - 26.4, 80 - 39.6, 52.8, 79.2))
    # Extent 30 x 84, times 1.2; mean (25, 114).
    assert lower == pytest.approx((25 - 18, 114 - 50.4, 36, 100.8))


def test_with_too_few_labels_the_box_stays():
    weight_U = np.zeros(17)
    weight_U[:8] = 1
    assert boxes(weight_U) == {tuple(BOX_4.tolist())}


def test_a_half_without_enough_joints_is_not_chosen():
    weight_U = np.where(is_lower_body(COCO), 0.0, 1.0)
    assert len(boxes(weight_U)) == 1
    assert next(iter(boxes(weight_U)))[3] == pytest.approx(79.2)
