import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.conventions.registry import load_convention
from pipeline.errors import KDError
from student.evaluation.scores import evaluate_predictions


def test_a_joint_that_is_not_predicted_is_neither_wrong_nor_right(body, person, make_table, result):
    table = make_table(person[None])
    scores = evaluate_predictions(table, body, result(table, without=[5]))
    assert scores.not_predicted == ("nose",)
    assert scores.torso.of_joint("nose") is None
    assert scores.flat()["PCK20"] == 1.0


def test_the_head_is_measured_by_its_label_though_the_model_has_no_nose(body, person, make_table, result):
    """PCKh's length comes from the labels, also of joints the model lacks. The head segment is 20 px, so the
    wrist 9 px off is met and the hip 11 px off is not: 4 of 5.
    """
    table = make_table(person[None])
    offset = np.zeros((1, 6, 2))
    offset[0, 4], offset[0, 2] = [9, 0], [0, 11]
    scores = evaluate_predictions(table, body, result(table, offset=offset, without=[5]))
    assert scores.flat()["PCKh50"] == pytest.approx(0.8)


def test_limbs_leave_the_head_out(body, person, make_table, result):
    table = make_table(person[None])
    offset = np.zeros((1, 6, 2))
    offset[0, 5] = 99
    flat = evaluate_predictions(table, body, result(table, offset=offset)).flat()
    assert flat["PCK20_limbs"] == 1.0
    assert flat["PCK20"] == pytest.approx(5 / 6, abs=1e-4)


def test_crowds_are_in_no_number(body, person, make_table, result):
    table = make_table(np.stack([person, person + 90]), iscrowd=[False, True])
    offset = np.zeros((2, 6, 2))
    offset[1] = 99
    scores = evaluate_predictions(table, body, result(table, offset=offset))
    assert scores.persons == 1
    assert scores.flat()["PCK20"] == scores.flat()["AP"] == 1.0


def test_scoring_saved_predictions_imports_neither_pytorch_nor_openmmlab(repository):
    code = "import sys, student.evaluation.scores as _; print(*{m.split('.')[0] for m in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
    )
    assert "pycocotools" in loaded.stdout.split()
    assert not {"torch", "mmpose", "mmdet", "mmcv", "mmengine"} & set(loaded.stdout.split())


def test_predictions_in_another_convention_are_refused(body, person, make_table, result):
    table = make_table(person[None])
    with pytest.raises(KDError, match="have 6 joints, but coco17.* has 17"):
        evaluate_predictions(table, load_convention("coco17"), result(table))


def test_the_names_always_come_in_one_order(body, person, make_table, result):
    table = make_table(person[None])
    assert list(evaluate_predictions(table, body, result(table)).flat()) == [
        "AP",
        "AP50",
        "AP75",
        "AP_large",
        "AR",
        "AR50",
        "AR75",
        "AR_large",
        "PCK20_limbs",
        "PCK20",
        "PCKh50",
        "ECE",
    ]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(missing=st.integers(0, 5), seed=st.integers(0, 2**16))
def test_leaving_one_joint_out_changes_no_other_joints_number(
    body, person, make_table, result, missing, seed
):
    rng = np.random.default_rng(seed)
    labels = person + rng.uniform(0, 200, (8, 1, 2))
    table = make_table(labels, rng.choice([0, 2], (8, 6), p=[0.2, 0.8]))
    offset = rng.normal(0, 8, labels.shape)
    full = evaluate_predictions(table, body, result(table, offset=offset))
    less = evaluate_predictions(table, body, result(table, offset=offset, without=[missing]))
    for joint in set(body.joints) - {body.joints[missing]}:
        assert less.torso.of_joint(joint) == full.torso.of_joint(joint)
        assert less.head.of_joint(joint) == full.head.of_joint(joint)
