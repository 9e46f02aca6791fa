"""How an epoch's draws are shared out, by hand."""

import pytest

from student.data.shares import draw_shares


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [(1.0, [16, 64, 144]), (0.5, [4 * 224 / 24, 8 * 224 / 24, 12 * 224 / 24]), (0.0, [224 / 3] * 3)],
)
def test_shares_go_with_a_power_of_the_size(exponent, expected):
    assert draw_shares([16, 64, 144], 224, exponent, [None] * 3) == pytest.approx(expected)


def test_what_a_cap_takes_the_others_share_in_proportion():
    assert draw_shares([10, 30, 60], 100, 1.0, [None, None, 20]) == pytest.approx([20, 60, 20])


def test_a_share_that_grows_over_its_cap_is_capped_too():
    """Without caps 25 each; the last one's 15 make it 30, of which one may have 26: 64 are left for two."""
    assert draw_shares([5, 5, 5, 5], 100, 0.0, [None, None, 26, 10]) == pytest.approx([32, 32, 26, 10])


def test_caps_that_just_suffice_are_all_reached():
    assert draw_shares([1, 1000], 50, 1.0, [20, 30]) == pytest.approx([20, 30])
