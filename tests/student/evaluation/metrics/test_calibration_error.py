"""Scores beside the share of joints that are right."""

import json

import numpy as np
import pytest

from student.calibration import fit
from student.evaluation.metric_files import write_details, write_reliability
from student.evaluation.metrics import calibration_error as module
from student.evaluation.metrics.calibration_error import ScoreBin, binned, calibration_error
from student.evaluation.scores import evaluate_predictions


def test_bins_and_error_are_those_of_a_hand_calculation():
    """Scores 0.25, 0.21 (one right): mean 0.23, right 0.5. Scores 0.9, 1.0, 0.95 (two right): mean 0.95,
    right 2/3. ECE = (2 |0.23 - 0.5| + 3 |0.95 - 2/3|) / 5 = (0.54 + 0.85) / 5 = 0.278.
    """
    score = np.array([0.25, 1.0, 0.95, 0.21, 0.9001], np.float32)
    curve = binned(score, np.array([True, True, False, False, True]))
    assert [(b.low, b.high, b.count) for b in curve] == [(0.2, 0.3, 2), (0.9, 1.0, 3)]
    assert [b.score for b in curve] == pytest.approx([0.23, 0.95], abs=1e-4)
    assert [b.right for b in curve] == pytest.approx([0.5, 2 / 3])
    assert calibration_error(curve) == pytest.approx(0.278, abs=1e-4)


def test_scores_that_are_probabilities_have_no_error_but_that_of_sampling():
    rng = np.random.default_rng(0)
    score = rng.uniform(0, 1, 100_000).astype(np.float32)
    curve = binned(score, rng.uniform(0, 1, len(score)) < score)
    assert len(curve) == 10
    assert calibration_error(curve) < 0.01


def test_without_a_label_there_is_no_error_to_measure(body, person, make_table, result):
    assert calibration_error(()) is None
    table = make_table(person[None], visibility=[[0] * 6])
    scores = evaluate_predictions(table, body, result(table))
    assert scores.reliability == () and "ECE" not in scores.flat()


def test_right_is_within_a_twentieth_of_the_boxs_diagonal(body, person, make_table, result):
    """The person's box is 60 x 60, a twentieth of its diagonal 4.24 px: 4.2 px off is right, 4.3 is not. All
    six joints are scored 0.9, five of them are right: ECE = 0.9 - 5/6."""
    table = make_table(person[None])
    offset = np.zeros((1, 6, 2))
    offset[0, 0], offset[0, 1] = [4.2, 0], [0, 4.3]
    scores = evaluate_predictions(table, body, result(table, offset=offset))
    (found,) = scores.reliability
    assert (found.count, found.right) == (6, pytest.approx(5 / 6))
    assert scores.flat()["ECE"] == pytest.approx(0.9 - 5 / 6, abs=1e-4)


def test_unlabelled_joints_those_not_predicted_and_crowds_do_not_count(body, person, make_table, result):
    table = make_table(
        np.stack([person, person + 90]), visibility=[[2, 1, 0, 2, 2, 2]] * 2, iscrowd=[False, True]
    )
    scores = evaluate_predictions(table, body, result(table, without=[5]))
    assert [found.count for found in scores.reliability] == [4]


def test_scores_beyond_one_count_as_one(body, person, make_table, result):
    """Peaks of some teachers' heatmaps exceed 1."""
    table = make_table(person[None])
    (found,) = evaluate_predictions(table, body, result(table, scores=1.3)).reliability
    assert found == ScoreBin(0.9, 1.0, 6, 1.0, 1.0)


def test_right_means_the_same_as_where_calibrations_are_fitted():
    assert module.is_right is fit.is_right


def test_files_have_the_curve_and_the_error_of_every_model(tmp_path, body, person, make_table, result):
    table = make_table(person[None])
    scores = {
        "toy-val": {
            "student": evaluate_predictions(table, body, result(table, scores=[[0.5] * 3 + [0.9] * 3])),
            "blind": evaluate_predictions(table, body, result(table, offset=[60, 0], scores=0.9)),
        }
    }
    curves = json.loads(write_reliability(tmp_path / "reliability.json", scores).read_text())
    assert curves == {
        "toy-val": {
            "student": [
                {"low": 0.5, "high": 0.6, "count": 3, "score": 0.5, "right": 1.0},
                {"low": 0.9, "high": 1.0, "count": 3, "score": 0.9, "right": 1.0},
            ],
            "blind": [{"low": 0.9, "high": 1.0, "count": 6, "score": 0.9, "right": 0.0}],
        }
    }
    metrics = json.loads(write_details(tmp_path / "details.json", scores).read_text())
    assert {model: values["ECE"] for model, values in metrics["toy-val"].items()} == {
        "student": 0.3,
        "blind": 0.9,
    }
