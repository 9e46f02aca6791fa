import numpy as np
import pytest

from student.ablation.column import Column
from student.ablation.resampling import DRAWS, Interval, Resampling, same_people
from student.evaluation.metrics.pck import MET, MISSED
from student.evaluation.per_person import PersonVerdicts

FIRST = Column("first", "dataset", "coco17", ("first",))
MEAN = Column("mean", "mean", datasets=("first", "second"))
HIPS = Column("hips", "group", datasets=("first", "second"), joints=("left_hip", "right_hip"))


def distinct(values) -> list[float]:
    return sorted(set(np.round(values, 6).tolist()))


def test_a_draw_takes_whole_persons_and_is_the_share_of_their_labels(verdicts_of):
    """Two people, 3 of 3 and 0 of 1 labels met. Drawn are one twice, both, or the other twice: 6 of 6, 3 of 4
    and 0 of 2. A person without a label is never drawn."""
    people = {"first": verdicts_of("mmm", "x ?", "   ")}
    values = Resampling().values(people, FIRST, "PCK20")
    assert values.shape == (DRAWS,) and distinct(values) == [0.0, 0.75, 1.0]
    # Each alone with probability 1/4; 2,000 draws have a standard deviation of 1 % of them.
    assert (values == 1.0).mean() == pytest.approx(0.25, abs=0.04)
    assert (values == 0.75).mean() == pytest.approx(0.5, abs=0.05)


def test_the_interval_leaves_an_equal_share_of_draws_on_either_side():
    interval = Interval.of(np.arange(1001.0))
    assert (interval.low, interval.high) == pytest.approx((25.0, 975.0))
    assert Interval.of(np.array([np.nan, 0.5])) == Interval(0.5, 0.5)
    assert Interval.of(np.array([np.nan])) is None


def test_the_width_is_that_of_a_mean_over_people():
    """One label a person, 400 people, 0.3 of them met: the share's standard error is sqrt(0.3 * 0.7 / 400),
    and 95 % of a normal distribution lie within 1.96 of them."""
    verdict_NK = np.where(np.arange(400) < 120, MET, MISSED).astype(np.uint8)[:, None]
    people = {"first": PersonVerdicts(np.arange(400), ("nose",), {"PCK20": verdict_NK})}
    interval = Interval.of(Resampling().values(people, FIRST, "PCK20"))
    half = 1.96 * (0.3 * 0.7 / 400) ** 0.5
    assert (interval.low, interval.high) == pytest.approx((0.3 - half, 0.3 + half), abs=0.005)


def test_the_mean_weighs_datasets_alike_and_draws_each_by_itself(verdicts_of):
    """`first` is 1 or 1/2 or 0, `second` always 1."""
    people = {"first": verdicts_of("m", "x"), "second": verdicts_of("mmm", "mmm")}
    assert distinct(Resampling().values(people, MEAN, "PCK20")) == [0.5, 0.75, 1.0]
    both = {"first": verdicts_of("m", "x"), "second": verdicts_of("m", "x")}
    assert distinct(Resampling().values(both, MEAN, "PCK20")) == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_a_group_pools_its_joints_over_datasets_and_draws_people_of_any_label(verdicts_of):
    """Of `first` one hip is labelled, and met, but both people are drawn: 0, 1 or 2 of those labels. `second`
    has 2 of its 4 hips met in every draw."""
    people = {"first": verdicts_of("xm ", "x  "), "second": verdicts_of("xmx", "xmx")}
    assert distinct(Resampling().values(people, HIPS, "AP")) == [
        pytest.approx(value, abs=1e-6) for value in (2 / 4, 3 / 5, 4 / 6)
    ]


def test_limbs_leave_other_joints_out(verdicts_of):
    people = {"first": verdicts_of("xmm", "xmm")}
    assert distinct(Resampling().values(people, FIRST, "PCK20_limbs")) == [1.0]


def test_what_has_no_interval(verdicts_of):
    people = {"first": verdicts_of("mmm", "xxx"), "second": verdicts_of("mmm")}
    resampling = Resampling()
    assert resampling.values(people, FIRST, "AP") is None  # no share of labels
    assert resampling.values(people, FIRST, "PCKh50") is None  # no verdicts by the head
    assert resampling.values(people, MEAN, "PCK20") is None  # one person of `second`
    assert resampling.values({}, FIRST, "PCK20") is None
    unlabelled = people | {"second": verdicts_of("   ", "   ")}
    assert distinct(resampling.values(unlabelled, MEAN, "PCK20")) == [0.0, 0.5, 1.0]


def test_draws_are_the_same_in_every_process_and_whatever_else_is_drawn(verdicts_of):
    people = {"first": verdicts_of("m", "x", "x"), "second": verdicts_of("m", "x", "x")}
    alone = Resampling().values(people, FIRST, "PCK20")
    both = Resampling()
    both.values(people, MEAN, "PCK20")
    assert np.array_equal(both.values(people, FIRST, "PCK20"), alone)
    second = Column("second", "dataset", "coco17", ("second",))
    assert not np.array_equal(both.values(people, second, "PCK20"), alone)


def test_people_are_the_same_where_their_labels_are(verdicts_of):
    one, other = {"first": verdicts_of("mm ", "xxx")}, {"first": verdicts_of("x? ", "m?m")}
    assert same_people(one, other, FIRST)
    assert not same_people(one, {"first": verdicts_of("mmx", "xxx")}, FIRST)
    assert not same_people(one, {}, FIRST) and not same_people(one, other, MEAN)
