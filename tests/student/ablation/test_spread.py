import numpy as np
import pytest

from student.ablation.spread import PairedDifference, Spread


def test_the_deviation_is_the_samples_with_divisor_n_minus_1():
    spread = Spread.of([2.0, 4.0, 9.0])
    # mean 5; squares 9 + 1 + 16 = 26; 26 / 2 = 13
    assert (spread.mean, spread.n) == (5.0, 3)
    assert spread.std == pytest.approx(13**0.5)


def test_mean_and_deviation_agree_with_numpy():
    values = np.random.default_rng(0).normal(0.4, 0.02, 7)
    spread = Spread.of(values.tolist())
    assert spread.mean == pytest.approx(values.mean(), abs=1e-12)
    assert spread.std == pytest.approx(values.std(ddof=1), abs=1e-12)


def test_one_value_has_no_deviation_and_no_value_no_mean():
    assert Spread.of([0.3]) == Spread(0.3, None, 1)
    assert Spread.of([]) is None


def test_differences_are_taken_seed_by_seed_over_the_seeds_that_both_have():
    paired = PairedDifference.of({0: 0.50, 1: 0.70, 4: 0.10}, {1: 0.60, 0: 0.52, 2: 0.9})
    assert paired.difference.n == 2
    assert paired.difference.mean == pytest.approx((-0.02 + 0.10) / 2)
    assert paired.difference.std == pytest.approx(0.12 / 2**0.5)  # of two values: their distance / sqrt 2
    assert paired.better == 1


def test_what_a_seed_does_to_both_leaves_no_deviation():
    paired = PairedDifference.of({0: 0.31, 1: 0.55, 2: 0.43}, {0: 0.30, 1: 0.54, 2: 0.42})
    assert paired.difference.std == pytest.approx(0.0, abs=1e-12)
    assert paired.better == 3


def test_an_equal_value_is_not_better_and_no_common_seed_is_no_comparison():
    assert PairedDifference.of({0: 0.3}, {0: 0.3}).better == 0
    assert PairedDifference.of({0: 0.3}, {1: 0.3}) is None
