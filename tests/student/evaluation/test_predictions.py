import contextlib
import io
import json

import numpy as np
import pytest
from pycocotools.coco import COCO

from pipeline.errors import KDError
from student.evaluation.predictions import (
    Predictions,
    person_scores,
    read_predictions,
    to_coco_results,
    write_predictions,
)


def test_a_persons_score_is_box_score_times_the_mean_of_joints_over_a_fifth(body, person, make_table, result):
    """Joints 0.9, 0.5, 0.19, 0.1, 0, 0: only the first two count; (0.9 + 0.5) / 2 * 0.8 = 0.56."""
    table = make_table(person[None], box_score=[0.8])
    predictions = result(table, scores=[[0.9, 0.5, 0.19, 0.1, 0.0, 0.0]])
    assert person_scores(predictions, table.box_score) == pytest.approx([0.56])


def test_a_person_without_a_confident_joint_scores_zero(body, person, make_table, result):
    table = make_table(person[None])
    assert person_scores(result(table, scores=0.1), table.box_score) == pytest.approx([0.0])


def test_predictions_read_back_bit_for_bit(tmp_path, body, person, make_table, result):
    rng = np.random.default_rng(0)
    table = make_table(np.stack([person, person]))
    predictions = result(
        table, offset=rng.normal(0, 9, (2, 6, 2)), scores=rng.uniform(0.3, 1, (2, 6)), without=[4]
    )
    again = read_predictions(write_predictions(tmp_path / "new" / "student.json", predictions, table))
    assert again.crop_id.tolist() == predictions.crop_id.tolist()
    assert again.predicted.tolist() == predictions.predicted.tolist()
    np.testing.assert_array_equal(again.keypoints, predictions.keypoints)
    np.testing.assert_array_equal(again.scores, predictions.scores)


def test_the_file_is_coco_results_that_pycocotools_loads(tmp_path, body, person, make_table, result):
    table = make_table(person[None], image_id=[42])
    path = write_predictions(tmp_path / "student.json", result(table, without=[5]), table)
    record = json.loads(path.read_text())[0]
    assert record["image_id"] == 42 and record["category_id"] == 1
    assert record["crop_id"] == 100
    assert record["keypoints"][:3] == [60.0, 40.0, 0.9]
    assert record["keypoints"][15:] == [0.0, 0.0, 0.0]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {"images": [{"id": 42}], "categories": [{"id": 1}], "annotations": []}
        truth.createIndex()
        assert len(truth.loadRes(str(path)).anns) == 1


def test_predictions_of_another_crop_table_are_refused(body, person, make_table, result):
    small, large = make_table(person[None]), make_table(np.stack([person, person]))
    with pytest.raises(KDError, match="of 1 crops.*has 2, and 1 of those have no prediction.*predict again"):
        to_coco_results(result(small), large)
    with pytest.raises(KDError, match="another crop table"):
        to_coco_results(result(large), small)


def test_a_diverged_model_is_an_error_not_a_perfect_match(body, person, make_table, result):
    """COCOeval matches a detection whose OKS is NaN at every threshold."""
    table = make_table(np.stack([person, person]))
    offset = np.zeros((2, 6, 2))
    offset[1, 3] = np.nan
    with pytest.raises(KDError, match="1 of 2 crops hold NaN"):
        result(table, offset=offset)


def test_a_file_that_is_not_predictions_says_so(tmp_path):
    path = tmp_path / "student.json"
    for content in (
        "{",
        "[]",
        '[{"keypoints": [1, 2, 3]}]',
        '{"a": 1}',
        '[{"crop_id": 1, "keypoints": [1, 2]}]',
    ):
        path.write_text(content)
        with pytest.raises(KDError, match="cannot be read as predictions"):
            read_predictions(path)
    with pytest.raises(KDError, match="cannot be read as predictions"):
        read_predictions(tmp_path / "missing.json")


def test_rows_find_their_crops_in_any_order(body, person, make_table, result):
    table = make_table(np.stack([person, person + 7]))
    straight = result(table)
    mixed = Predictions(
        straight.crop_id[::-1].copy(),
        straight.keypoints[::-1].copy(),
        straight.scores[::-1].copy(),
        straight.predicted,
    )
    np.testing.assert_array_equal(mixed.in_order_of(table).keypoints, straight.keypoints)
