"""Which crops an epoch draws."""

from collections import Counter

import pytest

from student.sampler import Draw, EpochSampler


def draws(sampler: EpochSampler, epoch: int = 0) -> list[Draw]:
    sampler.epoch = epoch
    return [draw for batch in sampler for draw in batch]


def test_a_proportional_epoch_draws_every_crop_once():
    drawn = draws(EpochSampler([5, 11], 4, "proportional", seed=0))
    assert sorted(draw.index for draw in drawn) == list(range(16))
    assert {draw.repeat for draw in drawn} == {0}


def test_a_balanced_epoch_draws_from_each_dataset_equally_often():
    drawn = draws(EpochSampler([4, 36], 10, "balanced", seed=0))
    assert sum(draw.index < 4 for draw in drawn) == 20
    assert sum(draw.index >= 4 for draw in drawn) == 20
    counts = Counter(draw.index for draw in drawn if draw.index < 4)
    assert set(counts.values()) == {5}
    assert sorted(draw.repeat for draw in drawn if draw.index == 2) == [0, 1, 2, 3, 4]


def test_no_draw_of_an_epoch_is_the_same_as_another():
    drawn = draws(EpochSampler([3, 30], 1, "balanced", seed=0))
    assert len(set(drawn)) == len(drawn) == 33


@pytest.mark.parametrize("strategy", ["proportional", "balanced"])
def test_the_order_depends_on_seed_and_epoch_alone(strategy):
    sampler = EpochSampler([7, 20], 5, strategy, seed=3)
    third = draws(sampler, epoch=2)
    assert third == draws(EpochSampler([7, 20], 5, strategy, seed=3), epoch=2)
    assert [d.index for d in third] != [d.index for d in draws(sampler, epoch=3)]
    assert [d.index for d in third] != [d.index for d in draws(EpochSampler([7, 20], 5, strategy, seed=4), 2)]


def test_an_incomplete_last_batch_is_left_out_unless_it_is_the_only_one():
    batches = list(EpochSampler([10], 4, "proportional", seed=0))
    assert [len(batch) for batch in batches] == [4, 4]
    assert [len(batch) for batch in EpochSampler([3], 64, "proportional", seed=0)] == [3]


@pytest.mark.parametrize(("sizes", "size"), [([10], 4), ([3], 64), ([5, 6], 5)])
def test_the_length_is_the_number_of_batches(sizes, size):
    sampler = EpochSampler(sizes, size, "balanced", seed=0)
    assert len(sampler) == len(list(sampler))
