"""Right and wrong answers, by hand."""

import numpy as np

from student.evaluation.metrics.correctness import RIGHT_WITHIN, is_right


def test_right_is_within_a_twentieth_of_the_boxs_diagonal_and_nothing_is_not_right():
    box_N4 = np.array([[5.0, 5.0, 30.0, 40.0], [0.0, 0.0, 60.0, 80.0]])  # diagonals 50 and 100
    label_NJ2 = np.zeros((2, 3, 2), np.float32)
    answer_NJ2 = np.array(
        [[[2.4, 0.0], [0.0, 2.6], [np.nan, np.nan]], [[3.0, 3.9], [3.0, 4.1], [0.0, 0.0]]], np.float32
    )
    assert RIGHT_WITHIN == 0.05
    assert is_right(answer_NJ2, label_NJ2, box_N4).tolist() == [[True, False, False], [True, False, True]]
