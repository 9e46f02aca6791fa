from dataclasses import replace

import numpy as np
import pytest

from student.evaluation.pck_view import PckView, means_of
from student.evaluation.scores import evaluate_predictions


@pytest.fixture
def conventions(body):
    """`two` lacks the nose, and calls the wrist a hand."""
    hand = replace(body.reordered(body.joints[:5], "other"), joints=(*body.joints[:4], "hand"), base=None)
    return {"one": body, "two": replace(hand, same={"hand": ("wrist",)})}


@pytest.fixture
def scores(conventions, person, make_table, result):
    """On `one`, two people: `good` misses a nose of 12 joints; on `two`, one person: it misses the hand of 5.
    `partial` is right, has no nose, and has no answer on `two`."""
    one = make_table(np.stack([person, person]))
    two = make_table(person[None, :5])
    nose, hand = np.zeros((2, 6, 2)), np.zeros((1, 5, 2))
    nose[0, 5], hand[0, 4] = 99, 99
    return {
        "one": {
            "good": evaluate_predictions(one, conventions["one"], result(one, offset=nose)),
            "partial": evaluate_predictions(one, conventions["one"], result(one, without=[5])),
        },
        "two": {"good": evaluate_predictions(two, conventions["two"], result(two, offset=hand))},
    }


def test_own_joints_are_those_of_each_dataset(scores, conventions):
    own = PckView.own(scores, conventions)
    assert own.value("one", "good") == pytest.approx(11 / 12)
    assert own.value("two", "good") == pytest.approx(4 / 5)
    assert own.mean("good") == pytest.approx((11 / 12 + 4 / 5) / 2)
    assert own.lacks_joints("one", "partial") and not own.lacks_joints("one", "good")


def test_common_joints_leave_out_what_a_dataset_lacks_and_find_what_it_calls_otherwise(scores, conventions):
    common = PckView.own(scores, conventions).common(conventions)
    assert common.joints["two"] == conventions["two"].joints
    assert set(common.joints["one"]) == set(conventions["one"].joints) - {"nose"}
    assert common.value("one", "good") == 1.0
    assert common.mean("good") == pytest.approx((1 + 4 / 5) / 2)
    assert not common.lacks_joints("one", "partial")


def test_people_and_labels_are_counted_alike_for_every_model(scores, conventions):
    own = PckView.own(scores, conventions)
    common = own.common(conventions)
    assert [(own.people(name), own.labels(name)) for name in ("one", "two")] == [(2, 12), (1, 5)]
    assert [(common.people(name), common.labels(name)) for name in ("one", "two")] == [(2, 10), (1, 5)]
    alone = PckView.own({"one": {"partial": scores["one"]["partial"]}}, conventions)
    assert (alone.people("one"), alone.labels("one")) == (2, 12)


def test_a_model_that_lacks_a_dataset_has_no_mean(scores, conventions):
    assert PckView.own(scores, conventions).mean("partial") is None
    assert means_of(scores, conventions) == {"good": {"PCK20_common": 0.9, "PCK20": 0.8583}}


def test_a_dataset_without_labels_is_in_no_mean(scores, conventions, person, make_table, result):
    bare = make_table(person[None], np.zeros((1, 6)))
    unlabelled = {"good": evaluate_predictions(bare, conventions["one"], result(bare))}
    own = PckView.own({**scores, "bare": unlabelled}, conventions | {"bare": conventions["one"]})
    assert own.measured == ("one", "two")
    assert own.mean("good") == PckView.own(scores, conventions).mean("good")


def test_nothing_measured_is_no_mean_and_has_no_common_joints(conventions):
    own = PckView.own({}, conventions)
    assert own.mean("good") is None and own.common(conventions).joints == {} and means_of({}, {}) == {}
