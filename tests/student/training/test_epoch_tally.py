"""What an epoch's steps add up to."""

import pytest
import torch

from student.losses.term import LossTerm
from student.training.epoch_tally import EpochTally


def terms(first: float, second: float, weight: float = 0.7) -> list[LossTerm]:
    return [LossTerm("first", torch.tensor(first), 2.0), LossTerm("second", torch.tensor(second), weight)]


def test_losses_are_means_over_steps_and_constant_weights_are_logged_unchanged():
    tally = EpochTally()
    tally.add(terms(1.0, 4.0), crops=3)
    tally.add(terms(2.0, 0.0), crops=1)
    row = tally.row()
    assert (row["train/loss/first"], row["train/loss/second"]) == (1.5, 2.0)
    assert (row["train/weight/first"], row["train/weight/second"]) == (2.0, 0.7)
    assert row["train/loss/total"] == pytest.approx(1.5 * 2 + 2.0 * 0.7)


def test_weights_that_change_are_logged_so_that_the_total_is_still_losses_times_weights():
    """0.5 * 4 + 0.25 * 8 = 4 over two steps, of a mean loss of 6: a weight of 1 / 3."""
    tally = EpochTally()
    tally.add(terms(0.0, 4.0, weight=0.5), crops=1)
    tally.add(terms(0.0, 8.0, weight=0.25), crops=1)
    row = tally.row()
    assert row["train/weight/second"] == pytest.approx(1 / 3)
    assert row["train/loss/total"] == pytest.approx((0.5 * 4 + 0.25 * 8) / 2)


def test_a_tally_resumes_from_its_state_to_the_same_row():
    whole, resumed = EpochTally(), EpochTally()
    for step in range(6):
        if step == 3:
            resumed.load_state_dict(whole.state_dict())
        for tally in (whole, resumed) if step >= 3 else (whole,):
            tally.add(terms(step / 3, 1.0, weight=float(step)), crops=2)
    rows = [{**tally.row(), "train/crops_per_second": 0.0} for tally in (whole, resumed)]
    assert rows[0] == rows[1]
    assert (resumed.steps, resumed.crops) == (6, 12)
