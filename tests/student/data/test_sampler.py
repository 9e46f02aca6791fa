"""Which crops an epoch draws."""

from collections import Counter

import numpy as np
import pytest

from student.data.sampler import Draw, EpochSampler

BALANCED = 0.0


def draws(sampler: EpochSampler, epoch: int = 0) -> list[Draw]:
    sampler.epoch = epoch
    return [draw for batch in sampler for draw in batch]


def test_a_proportional_epoch_draws_every_crop_once():
    sampler = EpochSampler([5, 11], 4, seed=0)
    for epoch in (0, 3):
        drawn = draws(sampler, epoch)
        assert sorted(draw.index for draw in drawn) == list(range(16))
        assert {(draw.epoch, draw.repeat) for draw in drawn} == {(epoch, epoch)}


def test_a_balanced_epoch_draws_from_each_dataset_equally_often():
    drawn = draws(EpochSampler([4, 36], 10, seed=0, exponent=BALANCED))
    assert sum(draw.index < 4 for draw in drawn) == 20
    assert sum(draw.index >= 4 for draw in drawn) == 20
    counts = Counter(draw.index for draw in drawn if draw.index < 4)
    assert set(counts.values()) == {5}
    assert sorted(draw.repeat for draw in drawn if draw.index == 2) == [0, 1, 2, 3, 4]


def test_no_draw_of_an_epoch_is_the_same_as_another():
    drawn = draws(EpochSampler([3, 30], 1, seed=0, exponent=BALANCED))
    assert len(set(drawn)) == len(drawn) == 33


@pytest.mark.parametrize("exponent", [1.0, 0.5, BALANCED])
def test_the_order_depends_on_seed_and_epoch_alone(exponent):
    sampler = EpochSampler([7, 20], 5, seed=3, exponent=exponent)
    third = draws(sampler, epoch=2)
    assert third == draws(EpochSampler([7, 20], 5, seed=3, exponent=exponent), epoch=2)
    assert [d.index for d in third] != [d.index for d in draws(sampler, epoch=3)]
    other = EpochSampler([7, 20], 5, seed=4, exponent=exponent)
    assert [d.index for d in third] != [d.index for d in draws(other, epoch=2)]


def test_what_is_left_out_of_one_epoch_comes_in_the_next():
    sampler = EpochSampler([10], 4, seed=0)
    first, second = draws(sampler, 0), draws(sampler, 1)
    assert len(first) == len(second) == 8
    assert {draw.index for draw in first} | {d.index for d in second if d.repeat == 0} == set(range(10))
    assert sum(draw.repeat for draw in second) == 6


@pytest.mark.parametrize("exponent", [1.0, 0.4, BALANCED])
def test_over_epochs_the_crops_of_a_dataset_are_drawn_equally_often(exponent):
    """Shuffles are drawn to their ends: within a dataset, counts differ by one at most."""
    sampler = EpochSampler([5, 23, 60], 8, seed=1, exponent=exponent, steps=3)
    counts = np.zeros(88, dtype=int)
    for epoch in range(40):
        np.add.at(counts, [draw.index for draw in draws(sampler, epoch)], 1)
        for dataset in (counts[:5], counts[5:28], counts[28:]):
            assert np.ptp(dataset) <= 1
    assert counts.sum() == 40 * 24


def test_a_draws_repeat_is_how_often_the_training_drew_its_crop_before():
    sampler = EpochSampler([5, 23], 8, seed=1, exponent=BALANCED, steps=3)
    drawn = sorted(draw for epoch in range(9) for draw in draws(sampler, epoch))
    for crop in range(28):
        assert [draw.repeat for draw in drawn if draw.index == crop] == list(
            range(sum(draw.index == crop for draw in drawn))
        )


def test_epochs_have_the_steps_asked_for_whatever_the_sizes():
    for sizes in ([3], [1000], [10, 500, 20]):
        for steps in (1, 7):
            batches = list(EpochSampler(sizes, 16, seed=0, steps=steps))
            assert [len(batch) for batch in batches] == [16] * steps


def test_every_epochs_quotas_add_up_and_their_mean_is_the_share():
    """Of 10 draws in proportion to 1 : 2 : 4, 10 / 7, 20 / 7 and 40 / 7."""
    sampler = EpochSampler([100, 200, 400], 10, seed=5, steps=1)
    sampler.epoch = 6999
    quota_ED = sampler.quotas()
    assert set(quota_ED.sum(1)) == {10}
    for quota_E, share in zip(quota_ED.T, (10 / 7, 20 / 7, 40 / 7), strict=True):
        assert set(quota_E) == {int(share), int(share) + 1}
        assert quota_E.mean() == pytest.approx(share, abs=0.03)


def test_a_cap_is_kept_in_every_epoch_and_shortens_it():
    sampler = EpochSampler([30, 90], 10, seed=0, caps=[None, 25])
    assert len(sampler) == 5
    for epoch in range(3):
        assert sum(draw.index >= 30 for draw in draws(sampler, epoch)) <= 25
    sampler = EpochSampler([30, 90], 10, seed=0, caps=[None, 25], steps=10)
    assert Counter(draw.index >= 30 for draw in draws(sampler)) == {True: 25, False: 75}


def test_a_sampler_that_starts_later_gives_the_rest_of_the_epoch():
    sampler = EpochSampler([7, 20], 5, seed=3)
    sampler.epoch = 4
    whole = list(sampler)
    sampler.start = 3
    assert list(sampler) == whole[3:] and len(sampler) == len(whole)


def test_an_incomplete_last_batch_is_left_out_unless_it_is_the_only_one():
    assert [len(batch) for batch in EpochSampler([10], 4, seed=0)] == [4, 4]
    assert [len(batch) for batch in EpochSampler([3], 64, seed=0)] == [3]


@pytest.mark.parametrize(("sizes", "size"), [([10], 4), ([3], 64), ([5, 6], 5)])
def test_the_length_is_the_number_of_batches(sizes, size):
    sampler = EpochSampler(sizes, size, seed=0, exponent=BALANCED)
    assert len(sampler) == len(list(sampler))
