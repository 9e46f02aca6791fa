import json
import subprocess

import numpy as np
import pytest

from pipeline.errors import KDError
from student.ablation.results import pooled, read_result, read_teachers
from student.ablation.runs.result_seal import RESULTS, seal_results
from student.ablation.runs.run_record import read_record
from student.evaluation.per_person import write_per_person

PER_JOINT = """dataset,model,joint,pck,pckh,labels
first,student,nose,0.5000,,4
second,student,pelvis,0.2500,0.5000,4
second,student,thorax,1.0000,0.0000,1
second,student,left_hip,0.0000,1.0000,9
second,cpm,pelvis,1.0000,1.0000,4
"""


@pytest.fixture
def finished(open_ablation, record_of):
    """The first run of the ablation, with an evaluation written by hand."""
    ablation = open_ablation()
    run = ablation.runs()[0]
    folder = run.workspace.evaluation
    folder.mkdir(parents=True)
    metrics = {
        "first": {"student": {"AP": 0.1, "PCK20": 0.4}, "cpm": {"AP": 0.9}},
        "second": {"student": {"PCK20": 0.2, "PCKh50": 0.3}},
    }
    coverage = {
        "first": {"student": {"not_predicted": []}},
        "second": {"student": {"not_predicted": ["thorax"]}},
    }
    (folder / "details.json").write_text(json.dumps(metrics))
    (folder / "metrics.json").write_text(json.dumps({"mean": {"PCK20": 0.3}}))
    (folder / "coverage.json").write_text(json.dumps(coverage))
    (folder / "per_joint.csv").write_text(PER_JOINT)
    record_of(run.arm, run.seed).write(run.folder)
    return ablation, run


def test_values_are_the_students_by_column_the_mean_weighing_datasets_alike(finished):
    ablation, run = finished
    result = read_result(run, "PCK20", ablation.columns)
    assert result.values == {
        "first": 0.4,
        "second": 0.2,
        "mean": pytest.approx(0.3),
        "trunk": pytest.approx((0.25 * 4 + 1.0 * 1) / 5),
    }
    assert result.metrics["first"] == {"AP": 0.1, "PCK20": 0.4}
    assert (result.arm, result.seed, result.record.steps) == ("gt", 0, 40)


def test_verdicts_are_the_students_and_an_earlier_version_has_none(finished, verdicts_of):
    ablation, run = finished
    assert read_result(run, "PCK20", ablation.columns).verdicts == {}
    path, ours = run.workspace.evaluation / "per_person.npz", verdicts_of("mx", "xx")
    write_per_person(path, {"first": {"student": ours, "cpm": verdicts_of("mm", "mm")}})
    read = read_result(run, "PCK20", ablation.columns).verdicts
    assert list(read) == ["first"] and np.array_equal(read["first"].of["PCK20"], ours.of["PCK20"])
    path.write_bytes(b"torn")
    with pytest.raises(KDError, match=r"results of gt seed 0 .* cannot be read .*per_person.npz"):
        read_result(run, "PCK20", ablation.columns)


RUNS_HAVE = {"first": ("AP", "PCK20"), "second": ("PCK20", "PCKh50")}


@pytest.fixture
def teachers(finished):
    """Evaluated on both datasets: `both`, without a thorax; on `second` alone: `cpm`; on none: `absent`."""
    _, run = finished
    folder = run.workspace.evaluation
    metrics = {
        "first": {"both": {"AP": 0.9, "PCK20": 0.8}},
        "second": {"both": {"PCK20": 0.6}, "cpm": {"PCK20": 0.9}},
        "mean": {"both": {"PCK20": 0.7}},
    }
    coverage = {
        "first": {"both": {"not_predicted": []}},
        "second": {"both": {"not_predicted": ["thorax"]}, "cpm": {"not_predicted": []}},
    }
    (folder / "details.json").write_text(json.dumps(metrics))
    (folder / "metrics.json").write_text(json.dumps({"mean": {"PCK20": 0.3}}))
    (folder / "coverage.json").write_text(json.dumps(coverage))
    (folder / "per_joint.csv").write_text(PER_JOINT + "second,both,pelvis,0.7500,,4\n")
    return folder


def test_teachers_have_values_by_column_as_runs_have(finished, teachers):
    columns = finished[0].columns
    both, cpm = read_teachers(teachers, ["both", "cpm", "absent"], "PCK20", columns, RUNS_HAVE)
    assert both.values == {"first": 0.8, "second": 0.6, "mean": pytest.approx(0.7), "trunk": 0.75}
    assert both.incomplete == {"second", "mean", "trunk"}
    assert (both.teacher, list(both.metrics)) == ("both", ["first", "second"])
    # cpm has no answer on `first`, so no mean.
    assert cpm.values == {"second": 0.9, "trunk": 1.0} and cpm.incomplete == frozenset()


def test_a_teachers_mean_is_over_the_datasets_that_have_the_metric(finished, teachers):
    """Of PCKh50, `second` alone has any: a teacher without it there has no mean. AP is `first`'s alone."""
    columns, mean = finished[0].columns, finished[0].columns[2].name
    assert all(mean not in t.values for t in read_teachers(teachers, ["both"], "PCKh50", columns, RUNS_HAVE))
    (both,) = read_teachers(teachers, ["both"], "AP", columns, RUNS_HAVE)
    assert both.values[mean] == 0.9


def test_without_an_evaluation_there_are_no_teachers_and_a_damaged_one_says_what_to_do(
    finished, teachers, tmp_path
):
    columns = finished[0].columns
    assert read_teachers(tmp_path / "none", ["both"], "PCK20", columns, RUNS_HAVE) == []
    (teachers / "coverage.json").write_text("{")
    with pytest.raises(KDError, match="teachers' results in .* cannot be read .* kd-pipeline ablate FILE"):
        read_teachers(teachers, ["both"], "PCK20", columns, RUNS_HAVE)


def test_a_metric_that_a_dataset_lacks_is_absent_and_the_mean_is_over_the_others(finished):
    ablation, run = finished
    result = read_result(run, "PCKh50", ablation.columns)
    assert result.values == {"second": 0.3, "mean": 0.3, "trunk": pytest.approx((0.5 * 4 + 0.0) / 5)}
    assert set(read_result(run, "AR", ablation.columns).values) == {"trunk"}


def test_columns_that_lack_a_joint_are_marked(finished):
    ablation, run = finished
    assert read_result(run, "PCK20", ablation.columns).incomplete == {"second", "mean", "trunk"}
    # thorax is no limb joint
    assert read_result(run, "PCK20_limbs", ablation.columns).incomplete == {"trunk"}


def test_pooling_weighs_every_label_alike_and_skips_joints_without_a_number():
    rows = [
        {"dataset": "a", "joint": "hip", "pck": "0.5", "pckh": "", "labels": "10"},
        {"dataset": "b", "joint": "hip", "pck": "0.2", "pckh": "1.0", "labels": "30"},
        {"dataset": "b", "joint": "knee", "pck": "1.0", "pckh": "1.0", "labels": "99"},
    ]
    assert pooled(rows, ["a", "b"], ["hip"], "PCK20") == pytest.approx(11 / 40)
    assert pooled(rows, ["a", "b"], ["hip"], "PCKh50") == 1.0
    assert pooled(rows, ["a"], ["knee"], "PCK20") is None


@pytest.mark.parametrize("name", ["evaluation/details.json", "evaluation/per_joint.csv", "run.json"])
def test_results_that_are_damaged_say_what_to_delete(finished, name):
    ablation, run = finished
    (run.folder / name).unlink()
    with pytest.raises(KDError, match=r"results of gt seed 0 in .* cannot be read .*Delete that folder"):
        read_result(run, "PCK20", ablation.columns)


def test_an_evaluation_of_an_earlier_version_has_all_its_numbers_in_metrics_json(finished):
    ablation, run = finished
    now = read_result(run, "PCK20", ablation.columns)
    folder = run.workspace.evaluation
    (folder / "details.json").rename(folder / "metrics.json")
    assert read_result(run, "PCK20", ablation.columns) == now


def test_the_headlines_alone_are_no_results(finished):
    ablation, run = finished
    folder = run.workspace.evaluation
    (folder / "details.json").unlink()
    (folder / "metrics.json").write_text(json.dumps({"mean": {"PCK20": 0.4}, "first": {"PCK20": 0.4}}))
    with pytest.raises(KDError, match="there is no details.json"):
        read_result(run, "PCK20", ablation.columns)


@pytest.mark.parametrize("name", [*RESULTS, "results.sha256"])
def test_sealed_results_that_were_changed_are_not_read(finished, verdicts_of, name):
    ablation, run = finished
    folder = run.workspace.evaluation
    write_per_person(folder / "per_person.npz", {"first": {"student": verdicts_of("mx")}})
    seal_results(folder)
    whole = read_result(run, "PCK20", ablation.columns)
    assert whole.values["first"] == 0.4
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    with pytest.raises(KDError, match=r"of gt seed 0 in .* is not as it was written.*Delete that folder"):
        read_result(run, "PCK20", ablation.columns)


def test_sealed_results_with_a_file_gone_are_not_read(finished):
    ablation, run = finished
    seal_results(run.workspace.evaluation)
    (run.workspace.evaluation / "per_joint.csv").unlink()
    with pytest.raises(KDError, match="per_joint.csv is not as it was written"):
        read_result(run, "PCK20", ablation.columns)


def test_the_seal_is_one_that_sha256sum_checks(finished):
    _, run = finished
    folder = run.workspace.evaluation
    seal_results(folder)
    subprocess.run(["sha256sum", "--check", "--strict", "results.sha256"], cwd=folder, check=True)


def test_the_record_of_another_seed_or_a_changed_one_is_none_of_this_run(finished, record_of):
    ablation, run = finished
    record_of(run.arm, run.seed + 1).write(run.folder)
    assert read_record(run.folder, run.arm, run.seed) is None
    with pytest.raises(KDError, match=r"there is no run\.json of this run"):
        read_result(run, "PCK20", ablation.columns)
    record_of(run.arm, run.seed).write(run.folder)
    path = run.folder / "run.json"
    assert read_record(run.folder, run.arm, run.seed).seconds == 100.0
    path.write_text(path.read_text().replace("100.0", "101.0"))
    assert read_record(run.folder, run.arm, run.seed) is None
