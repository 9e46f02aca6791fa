"""Runs for real, an epoch each, on pictures of dots."""

import dataclasses
import hashlib

import pytest
import torch
from safetensors.torch import load_file

from pipeline.datasets.crop_table import write_crop_table
from pipeline.errors import KDError
from pipeline.extensions import METRICS
from pipeline.teachers.forward_passes import FORWARD_PASSES
from student.ablation.comparison import Comparison
from student.ablation.results import read_result
from student.ablation.runs.data_identity import data_identity, identities
from student.ablation.runs.execute import execute_run
from student.ablation.runs.run_folder import start_folder, state_of
from student.training.train import train_student


@pytest.fixture
def ready(tiny, workspace, make_heatmap_teacher, make_simcc_teacher):
    """The workspace with its stores, and everyone annotated."""
    for name, table in tiny.tables.items():
        write_crop_table(table, workspace.people(name))
        tiny.add_store(make_heatmap_teacher(), name, workspace)
        tiny.add_store(make_simcc_teacher(), name, workspace)
    return workspace


def run_of(ablation, arm, seed=0):
    return next(run for run in ablation.runs() if (run.arm, run.seed) == (arm, seed))


def execute(run):
    start_folder(run)
    return execute_run(run)


def digests(workspace):
    files = (path for folder in ("crops", "stores") for path in (workspace.root / folder).rglob("*"))
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()}


def test_a_run_leaves_its_numbers_and_leaves_the_workspace_as_it_was(open_ablation, ready):
    before, passes = digests(ready), FORWARD_PASSES.crops
    run = run_of(open_ablation(), "kd")
    record = execute(run)
    assert digests(ready) == before
    assert not (ready.root / "runs").exists() and not (ready.root / "evaluation").exists()
    assert (record.arm, record.seed, record.resumed_from_epoch, record.steps) == ("kd", 0, 0, 1)
    assert record.teacher_forward_passes == 0 and FORWARD_PASSES.crops == passes
    assert record.data["train"]["first"]["stores"].keys() == {"dots_heatmap", "dots_simcc"}
    assert record.seconds > 0 and record.versions["torch"]
    left = {str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file()}
    assert {"params.yaml", "run.json", "runs/student/student.safetensors", "evaluation/details.json"} <= left
    assert not any("overlays" in path or "dots_heatmap.json" in path for path in left)
    result = read_result(run, "PCK20", open_ablation().columns)
    measured = {metric for of_dataset in result.metrics.values() for metric in of_dataset}
    assert measured <= set(METRICS)
    assert set(result.values) == {"first", "second", "mean", "trunk"}
    assert state_of(run, data_identity(run.workspace)).finished


def test_arms_differ_in_their_overrides_and_runs_of_an_arm_in_the_seed(open_ablation, ready):
    ablation = open_ablation()
    runs = [run_of(ablation, *which) for which in (("gt", 0), ("gt", 1), ("kd", 0))]
    for run in runs:
        execute(run)
    first, other_seed, other_arm = (load_file(run.workspace.run / "student.safetensors") for run in runs)
    assert any(not torch.equal(first[name], other_seed[name]) for name in first)
    assert any(not torch.equal(first[name], other_arm[name]) for name in first)
    compared = Comparison.of(ablation)
    assert [(result.arm, result.seed) for result in compared.results] == [("gt", 0), ("kd", 0), ("gt", 1)]
    assert [str(run) for run in compared.unfinished] == ["gt_first seed 0", "kd seed 1", "gt_first seed 1"]
    assert compared.difference("kd", compared.columns[0]).difference.n == 1


class Killed(BaseException):
    """As a signal would end it: no handler catches it."""


def test_a_killed_run_resumes_from_its_checkpoint_to_the_very_weights(open_ablation, ready):
    def killed(step: int, steps: int) -> None:
        if step == 2:  # of 3, an epoch each
            raise Killed

    ablation = open_ablation(base={"train.epochs": 3})
    undisturbed = execute(run_of(ablation, "kd"))
    expected = load_file(run_of(ablation, "kd").workspace.run / "student.safetensors")
    run = run_of(open_ablation(base={"train.epochs": 3}, name="again"), "kd")
    start_folder(run)
    with pytest.raises(Killed):
        execute_run(run, killed)
    assert not state_of(run, None).finished
    record = execute(run)
    assert (undisturbed.resumed_from_epoch, record.resumed_from_epoch, record.steps) == (0, 1, 3)
    weights = load_file(run.workspace.run / "student.safetensors")
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def test_other_labels_to_evaluate_on_are_evaluated_on_without_training_again(open_ablation, ready, tiny):
    run = run_of(open_ablation(), "gt_first")
    execute(run)
    table = tiny.tables["second"]
    tiny.save_table(dataclasses.replace(table, keypoints=table.keypoints + 1))
    state = state_of(run, data_identity(run.workspace))
    assert not state.finished and "evaluate.second" in str(state)
    assert execute(run).resumed_from_epoch == 1
    assert state_of(run, data_identity(run.workspace)).finished


def test_a_run_that_fails_is_not_finished_any_more(open_ablation, ready):
    run = run_of(open_ablation(), "gt")
    execute(run)
    (ready.crops("second") / "crops.parquet").unlink()
    with pytest.raises(KDError):
        execute(run)
    assert not state_of(run, None).finished


def test_a_missing_store_is_reported_with_its_arm_and_stops_none_that_needs_no_store(
    open_ablation, workspace, tiny
):
    for name, table in tiny.tables.items():
        write_crop_table(table, workspace.people(name))
    ablation = open_ablation()
    assert identities(ablation.runs(["gt"]))["gt"]["train"]["first"]["stores"] == {}
    with pytest.raises(KDError, match=r"arm kd: there is no store .*Make it: kd-pipeline extract-teachers"):
        identities(ablation.runs())


def test_a_run_equals_a_training_of_the_same_params_in_the_workspace_itself(open_ablation, ready):
    run = run_of(open_ablation(), "kd")
    execute(run)
    plain = dataclasses.replace(run.workspace, output=None)
    train_student(plain)
    assert plain.run == ready.root / "runs/student"
    ours, theirs = (load_file(w.run / "student.safetensors") for w in (run.workspace, plain))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
