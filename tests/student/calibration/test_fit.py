"""Calibrations fitted on teachers whose mistakes are known."""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch

from pipeline.errors import KDError
from student.calibration.calibrate import calibrate_training_data, fit_all
from student.calibration.fit import logistic_regression
from student.calibration.teacher_calibration import DEFAULT_RIGHT, Trust, read_calibration
from student.data.training_data import open_training_data
from student.weighting.teacher_record import teacher_records


@pytest.fixture
def workspace(tiny, make_heatmap_teacher):
    """Two splits; on the second the teacher's joints of the left arm are half of the time elsewhere."""
    tiny.add_dataset("home", 30, convention="mpii16")
    tiny.add_dataset("away", 30, convention="mpii16", seed=1)
    workspace = tiny.open()
    rng = np.random.default_rng(0)
    for person in tiny.people["away"]:
        for joint in ("left_elbow", "left_wrist", "right_elbow", "right_wrist"):
            if rng.random() < 0.5:
                person[joint] = person[joint] + 30.0
    for name in ("home", "away"):
        tiny.add_store(make_heatmap_teacher(), name, workspace)
    return workspace


def test_the_width_of_a_sure_answer_is_measured_in_the_teachers_own_cells(workspace):
    calibration = fit_all(open_training_data(workspace)).teachers["dots_heatmap"]
    # Gaussians of 1.5 cells, raised to the exponent.
    wanted = 1.5 / calibration.exponent**0.5
    assert calibration.spread == pytest.approx((wanted, wanted), rel=0.1)
    assert calibration.sure_share > 0.95 and calibration.usual_confidence == pytest.approx([0.9] * 16)


def test_trust_is_how_often_the_teacher_is_right_by_dataset_and_joint(workspace):
    training_data = open_training_data(workspace)
    trust = fit_all(training_data).teachers["dots_heatmap"].trust
    assert trust.datasets["home"] > 0.5 > -0.5 > trust.datasets["away"]
    assert trust.joints["left_wrist"] == trust.joints["right_wrist"] < trust.joints["left_knee"] - 1


def test_trust_is_right_on_average(workspace):
    calibration = fit_all(open_training_data(workspace)).teachers["dots_heatmap"]
    assert calibration.trusted == pytest.approx(calibration.right, abs=0.01)
    assert 0.88 < calibration.right < 0.98 and calibration.labels == 2 * 30 * 16


def test_without_labels_a_teacher_has_the_documented_default_and_a_warning(workspace, tiny, tmp_path):
    for table in list(tiny.tables.values()):
        tiny.save_table(dataclasses.replace(table, visibility=np.zeros_like(table.visibility)))
    calibrated = calibrate_training_data(
        workspace, open_training_data(workspace), tmp_path / "calibration.json"
    )
    (spec,) = calibrated.teacher_specs
    assert spec.calibration.labels == 0
    assert 1 / (1 + np.exp(-spec.calibration.trust.bias)) == pytest.approx(DEFAULT_RIGHT)
    assert (
        len(calibrated.warnings) == 1
        and "dots_heatmap has answered too few labelled joints" in (calibrated.warnings[0])
    )


def test_a_calibration_is_written_and_used_again_while_labels_and_stores_are_the_same(
    workspace, tmp_path, monkeypatch
):
    path = tmp_path / "calibration.json"
    first = calibrate_training_data(workspace, open_training_data(workspace), path)
    monkeypatch.setattr("student.calibration.calibrate.fit_all", None)
    again = calibrate_training_data(workspace, open_training_data(workspace), path)
    assert again.teacher_specs[0].calibration == first.teacher_specs[0].calibration
    assert read_calibration(path).teachers["dots_heatmap"] == first.teacher_specs[0].calibration


def test_a_calibration_of_other_labels_is_refused(workspace, tiny, tmp_path):
    fit_all(open_training_data(workspace)).write(workspace.root / "given.json")
    distill = workspace.params.distill.model_copy(update={"calibration": "given.json"})
    given = dataclasses.replace(workspace, params=workspace.params.model_copy(update={"distill": distill}))
    calibrate_training_data(given, open_training_data(given), tmp_path / "calibration.json")
    table = tiny.tables["home"]
    tiny.save_table(dataclasses.replace(table, keypoints=table.keypoints + 1))
    with pytest.raises(KDError, match="given.json was fitted on other labels or stores of home .*calibrate$"):
        calibrate_training_data(given, open_training_data(given), tmp_path / "calibration.json")


@pytest.mark.parametrize("content", ["", "[]", '{"format": 99}', '{"format": 1}'])
def test_a_file_that_is_no_calibration_says_what_to_do(tmp_path, content):
    path = tmp_path / "calibration.json"
    path.write_text(content)
    with pytest.raises(KDError, match="kd-pipeline calibrate"):
        read_calibration(path)


@pytest.mark.parametrize(
    ("teachers", "cause"),
    [
        ([], "teachers: "),
        ({"lamp": {}}, "teachers.lamp.exponent: "),
        ({"lamp": {"exponent": "wide"}}, "teachers.lamp.exponent: "),
        ({"lamp": {"exponent": float("nan")}}, "teachers.lamp.exponent: "),
        ({"lamp": {"exponent": 1, "width": 3}}, "teachers.lamp.spread: "),
    ],
)
def test_a_calibration_with_a_wrong_value_is_refused_with_its_place(tmp_path, teachers, cause):
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps({"format": 1, "teachers": teachers, "offsets": {}, "fitted_on": {}}))
    with pytest.raises(KDError) as caught:
        read_calibration(path)
    assert str(caught.value).startswith(f"{path} is no calibration ({cause}")


def test_a_calibration_of_endless_brackets_is_none(tmp_path):
    path = tmp_path / "calibration.json"
    path.write_text("[" * 100_000)
    with pytest.raises(KDError, match="is no calibration"):
        read_calibration(path)


def test_a_temperature_above_one_on_a_coarse_store_is_warned_of(workspace):
    distill = workspace.params.distill.model_copy(update={"temperature": 2.0})
    hot = dataclasses.replace(workspace, params=workspace.params.model_copy(update={"distill": distill}))
    (warning,) = open_training_data(hot).warnings
    assert "distill.temperature is 2" in warning and "dots_heatmap" in warning and "preset: exact" in warning
    assert open_training_data(workspace).warnings == ()


def test_the_regression_finds_the_weights_that_answers_were_drawn_with():
    rng = np.random.default_rng(0)
    features = np.stack([np.ones(20000), rng.normal(size=20000)], 1)
    right = rng.random(20000) < 1 / (1 + np.exp(-(features @ [0.5, -2.0])))
    assert logistic_regression(features, right, np.full(2, 0.01)) == pytest.approx([0.5, -2.0], abs=0.08)


def test_classes_that_separate_give_finite_weights():
    features = np.stack([np.ones(100), np.repeat([-1.0, 1.0], 50)], 1)
    weights = logistic_regression(features, np.repeat([False, True], 50), np.array([0.01, 0.1]))
    assert np.isfinite(weights).all() and weights[1] > 2


def test_trust_adds_up_what_is_known_of_the_answer_its_dataset_and_its_joint():
    trust = Trust(1.0, 2.0, 3.0, {"away": -0.5}, {"wrist": -0.25})
    mode_AR, relative_AR = torch.tensor([[0.5], [1.0]]), torch.tensor([[0.8], [2.0]])
    found = trust.of(
        mode_AR,
        relative_AR,
        torch.tensor([1, 0]),
        torch.tensor([[1], [0]]),
        ["home", "away"],
        ["nose", "wrist"],
    )
    logits = [1 + 2 * math.log(0.5) + 3 * math.log(0.8) - 0.5 - 0.25, 1.0]
    assert found.flatten().tolist() == pytest.approx([1 / (1 + math.exp(-logit)) for logit in logits])


def in_domain_of_away(workspace, dataset: str):
    """The workspace with this dataset declared to be like `away`, where the teacher errs."""
    datasets = workspace.params.datasets
    moved = {name: datasets[name].model_copy(update={"domain": "away"}) for name in (dataset, "away")}
    params = workspace.params.model_copy(update={"datasets": {**datasets, **moved}})
    return dataclasses.replace(workspace, params=params)


def test_splits_of_one_domain_share_what_labels_say_of_a_teacher(workspace, tiny, make_heatmap_teacher):
    """An unlabelled split is believed as the labelled one of its domain is, not as the others."""
    tiny.add_dataset("more", 6, convention="mpii16", seed=2)
    table = tiny.tables["more"]
    tiny.save_table(dataclasses.replace(table, visibility=np.zeros_like(table.visibility)))
    workspace = tiny.open()
    tiny.add_store(make_heatmap_teacher(), "more", workspace)
    alone = fit_all(open_training_data(workspace)).teachers["dots_heatmap"].trust
    assert alone.datasets["more"] == pytest.approx(0.0, abs=1e-9)
    training_data = open_training_data(in_domain_of_away(workspace, "more"))
    trust = fit_all(training_data).teachers["dots_heatmap"].trust
    assert trust.datasets.keys() == {"home", "away"} and trust.datasets["away"] < -0.5
    assert [split.domain for split in training_data.splits] == ["home", "away", "away"]
    share_DU = teacher_records(training_data)["dots_heatmap"].share_DU
    np.testing.assert_array_equal(share_DU[1], share_DU[2])
    assert (share_DU[0] > share_DU[1]).any()


def test_another_domain_is_another_calibration(workspace, tmp_path):
    path = tmp_path / "calibration.json"
    calibrate_training_data(workspace, open_training_data(workspace), path)
    moved = in_domain_of_away(workspace, "home")
    calibrate_training_data(moved, open_training_data(moved), path)
    assert read_calibration(path).teachers["dots_heatmap"].trust.datasets.keys() == {"away"}


def test_a_calibration_that_was_changed_is_refused_as_given_and_fitted_again_beside_the_student(
    workspace, tmp_path
):
    path = tmp_path / "calibration.json"
    training_data = open_training_data(workspace)
    first = calibrate_training_data(workspace, training_data, path).teacher_specs[0].calibration
    whole = json.loads(path.read_text())
    whole["teachers"]["dots_heatmap"]["exponent"] += 0.25
    path.write_text(json.dumps(whole))
    with pytest.raises(KDError, match="does not match the hash written with it.*kd-pipeline calibrate"):
        read_calibration(path)
    assert calibrate_training_data(workspace, training_data, path).teacher_specs[0].calibration == first


def test_a_calibration_of_an_earlier_version_without_a_seal_is_read(workspace, tmp_path):
    path = tmp_path / "calibration.json"
    fit_all(open_training_data(workspace)).write(path)
    values = json.loads(path.read_text())
    del values["content_sha256"]
    path.write_text(json.dumps(values))
    assert "dots_heatmap" in read_calibration(path).teachers
