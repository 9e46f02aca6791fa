import numpy as np
import pytest

from student.evaluation.chosen_people import mean_errors, spread_over_errors


def test_the_error_is_the_mean_distance_of_labelled_and_predicted_joints_by_the_boxs_diagonal(
    person, make_table, result
):
    """The box is 60 by 60. Of the first person's joints one is 30 px off, of six; the second has one label
    that is predicted, 12 px off; the third has none, the fourth is a crowd."""
    visibility = np.array([[2] * 6, [0, 0, 0, 1, 0, 2], [0, 0, 0, 0, 0, 2], [2] * 6])
    table = make_table(np.stack([person] * 4), visibility, iscrowd=[False, False, False, True])
    offset = np.zeros((4, 6, 2))
    offset[0, 4], offset[1, 3] = [0, 30], [12, 0]
    error_N = mean_errors(table, result(table, offset=offset, without=[5]))
    diagonal = 60 * 2**0.5
    assert error_N[:2] == pytest.approx([30 / 5 / diagonal, 12 / diagonal])
    assert np.isnan(error_N[2:]).all()


@pytest.mark.parametrize(
    ("people", "rows"),
    [
        (1, [4]),  # the median of five
        (2, [0, 1]),  # ranks 1 and 3 of 0..4
        (5, [3, 0, 4, 1, 2]),
        (9, [3, 0, 4, 1, 2]),
        (0, []),
    ],
)
def test_people_are_spread_over_the_ranks_of_their_errors(people, rows):
    error_N = np.array([0.2, 0.4, 0.5, 0.1, 0.3, np.nan])
    assert spread_over_errors(error_N, people).tolist() == rows


def test_people_without_any_error_are_spread_over_the_table():
    """Eight rows in two halves: their middles are 2 and 6."""
    assert spread_over_errors(np.full(8, np.nan), 2).tolist() == [2, 6]
    assert spread_over_errors(np.zeros(0), 2).tolist() == []
