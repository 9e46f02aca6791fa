"""Scores that are probabilities."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import UnionSkeleton, build_union
from pipeline.errors import KDError
from pipeline.workspace import Workspace
from student.calibration.calibrate_scores import ScoredJoints, fit_score_calibration, open_score_splits
from student.calibration.score_calibration import ScoreCalibration
from student.evaluation.metrics.calibration_error import binned, calibration_error
from student.inference.crop_inference import Predictor, UnionPredictions
from student.network.saved import load_student
from student.training.train import train_student

CPU = torch.device("cpu")
NO_AUGMENTATION = dict.fromkeys(
    ("flip", "rotation_degrees", "scale", "shift", "half_body", "colour", "dropout"), 0.0
)
SLOPE, INTERCEPT, WRISTS = 0.5, -1.0, -1.5
"""Of the students here that score too high, the more so at wrists."""


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@pytest.fixture
def skeleton() -> UnionSkeleton:
    return build_union([load_convention("coco17")])


def overconfident(skeleton: UnionSkeleton, people: int, seed: int = 0) -> ScoredJoints:
    rng = np.random.default_rng(seed)
    logit = rng.normal(1.5, 1.5, (people, skeleton.num_joints))
    at_wrist = np.array([joint.endswith("wrist") for joint in skeleton.joints])
    right = rng.uniform(size=logit.shape) < sigmoid(SLOPE * logit + INTERCEPT + WRISTS * at_wrist)
    return ScoredJoints(sigmoid(logit).astype(np.float32), right, rng.uniform(size=logit.shape) < 0.8)


def ece(score_NU: np.ndarray, joints: ScoredJoints) -> float:
    return calibration_error(binned(score_NU[joints.labelled_NU], joints.right_NU[joints.labelled_NU]))


def test_an_overconfident_students_scores_become_probabilities_on_people_not_fitted_on(skeleton):
    found = fit_score_calibration(overconfident(skeleton, 1500), skeleton, ("val",))
    others = overconfident(skeleton, 1500, seed=1)
    assert ece(others.score_NU, others) > 0.2
    assert ece(found.probability(others.score_NU, skeleton.joints), others) <= 0.03


def test_scores_of_different_joints_can_be_compared_after_calibration(skeleton):
    found = fit_score_calibration(overconfident(skeleton, 1500), skeleton, ("val",))
    others = overconfident(skeleton, 1500, seed=1)
    probability = found.probability(others.score_NU, skeleton.joints)
    for joint in ("left_wrist", "left_hip"):
        column = skeleton.joints.index(joint)
        alone = others.labelled_NU[:, column]
        share = others.right_NU[alone, column].mean()
        assert probability[alone, column].mean() == pytest.approx(share, abs=0.04)


def test_the_fit_finds_slope_and_offsets_that_labels_were_drawn_with(skeleton):
    found = fit_score_calibration(overconfident(skeleton, 4000), skeleton, ("val",))
    assert found.slope == pytest.approx(SLOPE, abs=0.05)
    others = [offset for joint, offset in found.offsets.items() if not joint.endswith("wrist")]
    assert found.offsets["left_wrist"] - np.mean(others) == pytest.approx(WRISTS, abs=0.15)
    assert found.offsets["left_wrist"] == found.offsets["right_wrist"]
    assert (found.datasets, found.labels) == (("val",), int(overconfident(skeleton, 4000).labelled_NU.sum()))


def test_a_joint_without_a_label_is_taken_to_be_as_the_mean_of_all(skeleton):
    joints = overconfident(skeleton, 200)
    eyes = [column for column, joint in enumerate(skeleton.joints) if joint.endswith("eye")]
    joints.labelled_NU[:, eyes] = False
    found = fit_score_calibration(joints, skeleton, ("val",))
    assert found.offsets["left_eye"] == found.offsets["right_eye"] == 0.0


def test_a_calibration_by_hand():
    """logit(0.8) = ln 4; 0.5 ln 4 - 1 = -0.3069, of which the sigmoid is 0.4239; with 1 more, 0.6667."""
    found = ScoreCalibration(0.5, -1.0, {"nose": 1.0}).probability(
        np.array([[0.8, 0.8]], np.float32), ("nose", "left_eye")
    )
    assert found.tolist() == [[pytest.approx(0.6667, abs=1e-4), pytest.approx(0.4239, abs=1e-4)]]


def test_a_higher_score_is_never_a_lower_probability_and_all_lie_in_0_to_1():
    score = np.linspace(0, 1, 1001, dtype=np.float32)[:, None]
    found = ScoreCalibration(3.7, -2.0, {"nose": 1.0}).probability(score, ("nose",))
    assert (np.diff(found[:, 0]) >= 0).all()
    assert 0 <= found.min() < 0.01 < 0.99 < found.max() <= 1


def test_too_few_labels_are_an_error(skeleton):
    joints = overconfident(skeleton, 3)
    joints.labelled_NU[:] = False
    joints.labelled_NU[:, :16] = True
    message = r"val \(train.calibrate_scores\) has 48 labelled joints .* 50 or more. Name a larger validation"
    with pytest.raises(KDError, match=message):
        fit_score_calibration(joints, skeleton, ("val",))


def test_scores_that_fall_where_joints_are_right_more_often_are_an_error(skeleton):
    joints = overconfident(skeleton, 500)
    upside_down = ScoredJoints(joints.score_NU, ~joints.right_NU, joints.labelled_NU)
    message = r"cannot be calibrated on val, test .*slope -0\.[45].*Train longer .*kd-pipeline evaluate"
    with pytest.raises(KDError, match=message):
        fit_score_calibration(upside_down, skeleton, ("val", "test"))


@pytest.fixture
def workspace(tiny) -> Workspace:
    """Trained on one split for some seconds, until some joints are right; calibrated on another."""
    tiny.add_dataset("dots", 8)
    tiny.add_dataset("held", 24, seed=1)
    return tiny.open(
        train={
            "datasets": ["dots"],
            "calibrate_scores": ["held"],
            "epochs": 12,
            "batch_size": 8,
            "learning_rate": 0.004,
            "ema_decay": 0.9,
            "augment": NO_AUGMENTATION,
        },
        distill={"weight": 0.0},
    )


def predicted(workspace: Workspace, table) -> UnionPredictions:
    return Predictor(load_student(workspace.run, CPU), CPU).predict_table(table, batch_size=8)


def test_a_trained_students_scores_are_calibrated_and_its_keypoints_are_as_before(workspace, tiny):
    train_student(workspace)
    config = workspace.run / "student.json"
    values = json.loads(config.read_text())
    saved = values["score_calibration"]
    assert saved["slope"] > 0 and saved["datasets"] == ["held"] and saved["labels"] == 24 * 17
    assert list(saved["offsets"]) == values["skeleton"]["joints"]
    calibrated = predicted(workspace, tiny.tables["held"])

    del values["score_calibration"], values["config_sha256"]  # as an older student.json has neither
    config.write_text(json.dumps(values))
    assert load_student(workspace.run, CPU).config.score_calibration is None
    decoded = predicted(workspace, tiny.tables["held"])
    np.testing.assert_array_equal(calibrated.keypoints_NU2, decoded.keypoints_NU2)
    by_hand = ScoreCalibration.from_dict(saved).probability(decoded.scores_NU, values["skeleton"]["joints"])
    np.testing.assert_allclose(calibrated.scores_NU, by_hand, atol=1e-6)
    assert np.abs(calibrated.scores_NU - decoded.scores_NU).max() > 0.05


def test_without_the_setting_student_json_knows_nothing_of_it(tiny):
    tiny.add_dataset("dots", 4)
    workspace = tiny.open(train={"epochs": 1}, distill={"weight": 0.0})
    train_student(workspace)
    assert "score_calibration" not in json.loads((workspace.run / "student.json").read_text())


def test_a_student_that_cannot_be_calibrated_is_saved_all_the_same(workspace, monkeypatch):
    def upside_down(*args):
        raise KDError("not rising")

    monkeypatch.setattr("student.calibration.calibrate_scores.fit_score_calibration", upside_down)
    short = workspace.params.model_copy(
        update={"train": workspace.params.train.model_copy(update={"epochs": 1})}
    )
    workspace = Workspace(workspace.root, short)
    with pytest.raises(KDError, match="not rising"):
        train_student(workspace)
    assert load_student(workspace.run, CPU).config.score_calibration is None


def test_labels_are_counted_before_a_training_starts(workspace, tiny, skeleton):
    tiny.add_dataset("few", 2, seed=2)
    train = {"datasets": ["dots"], "calibrate_scores": ["few"]}
    with pytest.raises(KDError, match="few .* has 34 labelled joints"):
        train_student(tiny.open(train=train, distill={"weight": 0.0}), progress=no_step)
    table = tiny.tables["few"]
    tiny.save_table(dataclasses.replace(table, visibility=np.zeros_like(table.visibility)))
    with pytest.raises(KDError, match="dataset few of train.calibrate_scores has 2 crops, but no labelled"):
        open_score_splits(tiny.open(train=train), skeleton)


def no_step(done: int, steps: int) -> None:
    raise AssertionError("a step was taken")
