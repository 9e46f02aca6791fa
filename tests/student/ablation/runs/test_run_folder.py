from dataclasses import replace

import pytest
import yaml

from pipeline.errors import KDError
from pipeline.params import ValidationParams
from student.ablation.runs.run_folder import open_run, start_folder, state_of

DATA = {"joints": ["nose"], "train": {}, "evaluate": {"first": ["aa"]}}


@pytest.fixture
def run(open_ablation):
    return open_ablation().runs()[1]


def test_a_run_is_finished_once_its_record_is_there(run, record_of):
    assert not state_of(run, DATA).started
    start_folder(run)
    assert (state_of(run, DATA).started, state_of(run, DATA).finished) == (True, False)
    record_of(run.arm, run.seed, data=DATA).write(run.folder)
    assert state_of(run, DATA).finished


def test_the_folder_alone_tells_the_whole_run(run, workspace):
    start_folder(run)
    again = open_run(workspace.root, run.folder)
    assert (again.arm, again.seed, again.workspace) == (run.arm, run.seed, run.workspace)


@pytest.mark.parametrize(
    ("arm", "change"),
    [
        ({"train.learning_rate": 0.002}, "train.learning_rate: 0.001 -> 0.002"),
        ({"student.width": 24}, "student.width"),
    ],
)
def test_a_changed_arm_is_to_run_again_and_says_why(open_ablation, record_of, arm, change):
    before = open_ablation()
    for run in before.runs():
        start_folder(run)
        record_of(run.arm, run.seed, data=DATA).write(run.folder)
    after = open_ablation(arms={"gt": {"distill.weight": 0}, "kd": arm})
    states = {str(run): state_of(run, DATA) for run in after.runs()}
    assert states["gt seed 0"].finished and states["gt seed 1"].finished
    assert not states["kd seed 0"].finished and not states["kd seed 1"].finished
    assert change in str(states["kd seed 0"])


def test_what_changes_no_result_does_not_repeat_a_run(open_ablation, record_of):
    run = open_ablation().runs()[0]
    start_folder(run)
    record_of(run.arm, run.seed, data=DATA).write(run.folder)
    faster = open_ablation(base={"train.epochs": 1, "runtime.workers": 2}).runs()[0]
    assert state_of(faster, DATA).finished
    beside = {"validation": ValidationParams(datasets=("second",)), "baselines": {"labels": {}}}
    train = run.workspace.params.train.model_copy(update=beside)
    params = run.workspace.params.model_copy(update={"train": train})
    assert state_of(replace(run, workspace=replace(run.workspace, params=params)), DATA).finished


def test_other_data_make_a_run_unfinished_unless_data_are_not_compared(run, record_of):
    start_folder(run)
    record_of(run.arm, run.seed, data=DATA).write(run.folder)
    state = state_of(run, {**DATA, "evaluate": {"first": ["bb"]}})
    assert not state.finished and "evaluate.first" in str(state)
    assert state_of(run, None).finished


def test_params_of_an_older_version_are_of_another_run(run, record_of):
    start_folder(run)
    record_of(run.arm, run.seed, data=DATA).write(run.folder)
    path = run.folder / "params.yaml"
    text = path.read_text()
    path.write_text(text.replace("epochs:", "rounds:"))
    assert not state_of(run, DATA).finished
    # A setting that came later, as it is by default, changes nothing.
    header, _, body = text.partition("\n")
    values = yaml.safe_load(body)
    del values["train"]["clip_grad_norm"]
    path.write_text(f"{header}\n{yaml.safe_dump(values)}")
    assert state_of(run, DATA).finished


def test_a_folder_of_something_else_is_not_written_over(run):
    run.folder.mkdir(parents=True)
    assert not state_of(run, DATA).started
    (run.folder / "thesis.txt").write_text("two years of work")
    with pytest.raises(KDError, match="did not make, and would be written over. Move it away"):
        state_of(run, DATA)
    (run.folder / "params.yaml").write_text("train: {}\n")
    with pytest.raises(KDError, match="did not make"):
        state_of(run, DATA)


def test_a_folder_that_is_no_run_says_how_runs_are_started(workspace, tmp_path):
    with pytest.raises(KDError, match="is no run's folder. Runs are started by: kd-pipeline ablate FILE"):
        open_run(workspace.root, tmp_path)
