import csv
import dataclasses
import json

import pytest

from student.evaluation.joint_mapping import JointMapping
from student.evaluation.metric_files import write_coverage, write_details, write_metrics, write_per_joint
from student.evaluation.scores import evaluate_predictions


@pytest.fixture
def scores(body, person, make_table, result):
    table = make_table(person[None])
    return {
        "toy-val": {
            "student": evaluate_predictions(table, body, result(table)),
            "blind": evaluate_predictions(table, body, result(table, offset=[60, 0], without=[5])),
        }
    }


def test_details_are_keyed_by_our_dataset_name_then_model_in_given_order(tmp_path, scores):
    metrics = json.loads(write_details(tmp_path / "details.json", scores).read_text())
    assert list(metrics) == ["toy-val"]
    assert list(metrics["toy-val"]) == ["student", "blind"]
    assert metrics["toy-val"]["student"]["AP"] == 1.0
    assert metrics["toy-val"]["blind"]["PCK20"] == 0.0


def test_means_over_datasets_follow_the_datasets(tmp_path, scores):
    path = write_details(tmp_path / "details.json", scores, {"student": {"PCK20": 0.5}})
    metrics = json.loads(path.read_text())
    assert list(metrics) == ["toy-val", "mean"] and metrics["mean"] == {"student": {"PCK20": 0.5}}


def test_metrics_are_one_models_means_and_a_number_of_each_dataset_with_its_people(tmp_path, scores):
    scores["of one model"] = {"blind": scores["toy-val"]["blind"]}
    means = {"student": {"PCK20_common": 0.5, "PCK20": 0.25}, "blind": {"PCK20": 0.125}}
    path = write_metrics(tmp_path / "metrics.json", scores, means, "student")
    assert json.loads(path.read_text()) == {
        "mean": {"PCK20_common": 0.5, "PCK20": 0.25},
        "toy-val": {"PCK20": 1.0, "people": 1},
    }
    means.pop("student")
    assert "mean" not in json.loads(write_metrics(path, scores, means, "student").read_text())


@pytest.mark.parametrize(
    ("without", "headline"), [((), "PCK20"), (("torso",), "PCKh50"), (("torso", "head"), "AP")]
)
def test_a_dataset_without_torsos_is_measured_by_heads_and_without_those_by_boxes(
    tmp_path, scores, without, headline
):
    cut = dataclasses.replace(scores["toy-val"]["student"], **dict.fromkeys(without))
    path = write_metrics(tmp_path / "metrics.json", {"toy-val": {"student": cut}}, {}, "student")
    assert json.loads(path.read_text()) == {"toy-val": {headline: 1.0, "people": 1}}


def test_details_hold_numbers_only(tmp_path, scores):
    metrics = json.loads(write_details(tmp_path / "details.json", scores).read_text())
    assert all(
        isinstance(v, float) for models in metrics.values() for m in models.values() for v in m.values()
    )


def test_no_metric_has_a_dot_in_its_name(scores):
    """DVC writes nested names with dots."""
    assert not any("." in name for models in scores.values() for s in models.values() for name in s.flat())


def test_writing_twice_gives_the_same_bytes(tmp_path, scores):
    first = write_details(tmp_path / "details.json", scores).read_bytes()
    assert write_details(tmp_path / "details.json", scores).read_bytes() == first


def test_coverage_says_what_was_left_out(tmp_path, body, scores):
    mapping = JointMapping(
        body.joints, (0, 1, 2, 3, 4, None), ("same", "same", "similar", "similar", "same", None)
    )
    path = write_coverage(tmp_path / "coverage.json", scores, {"toy-val": {"blind": mapping}})
    assert json.loads(path.read_text()) == {
        "toy-val": {
            "blind": {
                "not_predicted": ["nose"],
                "similar": ["left_hip", "right_hip"],
                "persons": 1,
                "persons_skipped": {"PCK20": 0, "PCKh50": 0},
            }
        }
    }


def test_per_joint_has_no_row_for_a_joint_that_is_not_predicted(tmp_path, body, scores):
    with write_per_joint(tmp_path / "per_joint.csv", scores).open() as file:
        rows = list(csv.DictReader(file))
    joints = {
        model: [row["joint"] for row in rows if row["model"] == model] for model in ("student", "blind")
    }
    assert joints == {"student": list(body.joints), "blind": [j for j in body.joints if j != "nose"]}
    assert {row["pck"] for row in rows if row["model"] == "student"} == {"1.0000"}
    assert {row["pckh"] for row in rows if row["model"] == "blind"} == {"0.0000"}
