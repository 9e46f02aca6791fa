"""AP against hand calculations and against pycocotools run directly on plain COCO JSON."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from student.evaluation.metrics import oks
from student.evaluation.metrics.oks import STATISTICS


def average_precision(table, convention, predictions):
    """Of the table's own people."""
    return oks.average_precision(table, convention, table, predictions)


def crowd_of(person, count, rng):
    """Persons of different sizes at different places."""
    size = rng.uniform(0.6, 3.0, (count, 1, 1))
    return (person * size + rng.uniform(0, 300, (count, 1, 2))).astype(np.float32), 3000 * size[:, 0, 0] ** 2


def coco_statistics(annotations, results, sigmas):
    """pycocotools without any of our code."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        images = sorted({a["image_id"] for a in annotations})
        truth.dataset = {
            "images": [{"id": i} for i in images],
            "categories": [{"id": 1}],
            "annotations": annotations,
        }
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "keypoints")
        evaluation.params.kpt_oks_sigmas = np.array(sigmas)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(STATISTICS, evaluation.stats, strict=True))


def test_a_perfect_prediction_has_ap_one(body, person, make_table, result):
    table = make_table(np.stack([person, person + 50]))
    found = average_precision(table, body, result(table))
    assert found["AP"] == found["AR"] == found["AP75"] == pytest.approx(1.0)


def test_a_shifted_prediction_has_the_oks_of_the_formula(body, person, make_table, result):
    """Every joint 6 px off in x, area 10,000. Five sigmas of 0.05: exp(-36 / (2 * 10000 * 0.01)) = exp(-0.18)
    = 0.8353; the nose's 0.1: exp(-36 / (2 * 10000 * 0.04)) = exp(-0.045) = 0.9560. Mean 0.8554: matched at
    0.5, 0.55 .. 0.85, which is 8 of the 10 thresholds.
    """
    table = make_table(person[None])
    found = average_precision(table, body, result(table, offset=[6, 0]))
    assert found["AP"] == pytest.approx(0.8)
    assert found["AP75"] == pytest.approx(1.0)


def test_a_joint_that_is_not_predicted_is_left_out_of_oks(body, person, make_table, result):
    """Without the nose the mean above is 0.8353: one threshold fewer, without 0.85, is met."""
    table = make_table(person[None])
    found = average_precision(table, body, result(table, offset=[6, 0], without=[5]))
    assert found["AP"] == pytest.approx(0.7)


def test_where_a_missing_joint_is_predicted_changes_nothing(body, person, make_table, result):
    """Its place in the file is 0, 0, far away: that must touch neither OKS nor a detection's area."""
    table = make_table(person[None] + 200)
    all_but_nose = average_precision(table, body, result(table, without=[5]))
    assert all_but_nose["AP"] == pytest.approx(1.0)


def test_a_person_labelled_only_at_missing_joints_is_ignored_not_missed(body, person, make_table, result):
    visibility = np.full((2, 6), 2)
    visibility[1, :5] = 0  # the second person has only a nose
    table = make_table(np.stack([person, person + 50]), visibility)
    assert average_precision(table, body, result(table, without=[5]))["AR"] == pytest.approx(1.0)


def test_annotation_ids_that_start_at_zero_lose_no_match(body, person, make_table, result):
    """COCOeval takes a match with annotation 0 for no match."""
    table = make_table(person[None])
    assert table.annotation_id[0] == 0
    assert average_precision(table, body, result(table))["AP"] == pytest.approx(1.0)


def test_a_statistic_without_persons_is_absent(body, person, make_table, result):
    table = make_table(person[None], area=[96.0**2 + 1])
    found = average_precision(table, body, result(table))
    assert "AP_large" in found and "AP_medium" not in found


def test_predictions_for_nothing_labelled_have_no_ap(body, person, make_table, result):
    table = make_table(person[None], np.zeros((1, 6)))
    assert average_precision(table, body, result(table)) == {}


def test_all_ten_statistics_equal_pycocotools_run_directly(body, person, make_table, result):
    rng = np.random.default_rng(3)
    keypoints, area = crowd_of(person, 24, rng)
    visibility = rng.choice([0, 1, 2], (24, 6), p=[0.2, 0.2, 0.6])
    visibility[5] = 0
    crowd = np.arange(24) == 7
    table = make_table(keypoints, visibility, image_id=np.arange(24) // 4, area=area, iscrowd=crowd)
    scores = rng.uniform(0.3, 1.0, (24, 6))
    predictions = result(table, offset=rng.normal(0, 5, keypoints.shape), scores=scores)

    labels = np.concatenate([table.keypoints, visibility[..., None]], axis=2)
    annotations = [
        {
            "id": n + 1,
            "image_id": n // 4,
            "category_id": 1,
            "keypoints": labels[n].ravel().tolist(),
            "num_keypoints": int((visibility[n] > 0).sum()),
            "bbox": table.bbox[n].tolist(),
            "area": area[n],
            "iscrowd": int(crowd[n]),
        }
        for n in range(24)
    ]
    triplets = np.concatenate([predictions.keypoints, predictions.scores[..., None]], axis=2)
    results = [
        {
            "image_id": n // 4,
            "category_id": 1,
            "keypoints": triplets[n].ravel().tolist(),
            "score": float(predictions.scores[n].astype(float).mean()),
            "bbox": table.bbox[n].tolist(),
        }
        for n in range(24)
        if n not in (5, 7)  # MMPose tests no crowd and no person without labels
    ]
    expected = coco_statistics(annotations, results, body.sigmas)
    assert 0.2 < expected["AP"] < 0.95
    assert average_precision(table, body, predictions) == pytest.approx(expected)


def test_the_order_of_the_persons_changes_nothing(body, person, make_table, result):
    """Also among equal scores."""
    rng = np.random.default_rng(4)
    keypoints, area = crowd_of(person, 12, rng)
    table = make_table(keypoints, image_id=np.arange(12) // 3, area=area)
    predictions = result(table, offset=rng.normal(0, 8, keypoints.shape))
    order = rng.permutation(12)
    assert average_precision(reordered(table, order), body, predictions) == average_precision(
        table, body, predictions
    )


def reordered(table, order):
    from dataclasses import fields, replace

    changed = {}
    for field in fields(table):
        value = getattr(table, field.name)
        if isinstance(value, np.ndarray):
            changed[field.name] = value[order]
        elif isinstance(value, list):
            changed[field.name] = [value[i] for i in order]
    return replace(table, **changed)
