"""The queue, with commands of milliseconds in place of trainings."""

import os
import subprocess
import sys
import time

import pytest
from lamp_workspace import write_params

from pipeline.errors import KDError
from pipeline.workspace import Workspace
from stages.commands.ablate.run_queue import RunQueue
from student.ablation.ablation import Run


@pytest.fixture
def runs(tmp_path):
    write_params(tmp_path)
    params = Workspace.open(tmp_path).params
    return [Run("arm", seed, Workspace(tmp_path, params, tmp_path / f"seed{seed}")) for seed in range(4)]


def python(code: str):
    """Every run runs `code`, in which {seed} and {folder} are the run's."""
    return lambda run: [
        sys.executable,
        "-c",
        code.replace("{seed}", str(run.seed)).replace("{folder}", str(run.folder)),
    ]


def outcomes(runs, code, jobs=1, threads=3):
    return list(RunQueue(jobs, threads, python(code)).outcomes(runs))


def test_runs_start_in_their_order_and_each_has_its_params_and_a_log(runs):
    ended = outcomes(runs, "print('seed', {seed}, flush=True)")
    assert [outcome.run.seed for outcome in ended] == [0, 1, 2, 3]
    assert not any(outcome.error for outcome in ended)
    for run in runs:
        assert (run.folder / "log.txt").read_text() == f"seed {run.seed}\n"
        assert (run.folder / "params.yaml").is_file()


def test_a_run_gets_its_share_of_threads(runs):
    outcomes(runs[:1], "import os; print(os.environ['OMP_NUM_THREADS'])", threads=3)
    assert (runs[0].folder / "log.txt").read_text() == "3\n"


def test_ctrl_c_does_not_reach_a_run_and_nice_does(runs):
    outcomes(runs[:1], "import os; print(os.getpgid(0) == os.getpid(), os.getsid(0), os.nice(0))")
    printed = (runs[0].folder / "log.txt").read_text().split()
    assert printed == ["True", str(os.getsid(0)), str(os.nice(0))]


def test_as_many_runs_as_jobs_go_at_a_time(runs):
    code = "import time; print(time.time()); time.sleep(1); print(time.time())"
    outcomes(runs, code, jobs=2)
    spans = [[float(line) for line in (run.folder / "log.txt").read_text().split()] for run in runs]
    at_start = [sum(start <= begin < end for start, end in spans) for begin, _ in spans]
    assert max(at_start) == 2


def test_a_failed_run_tells_its_error_and_does_not_stop_the_others(runs):
    code = """
import os, sys
print("step 1 of 2", flush=True)
if {seed} == 1:
    print("Error: there is no store.\\nMake it.")
    sys.exit(2)
if {seed} == 2:
    raise RuntimeError("worker lost")
if {seed} == 3:
    os.kill(os.getpid(), 9)
"""
    ended = outcomes(runs, code)
    errors = [outcome.error for outcome in ended]
    assert errors[:2] == ["", "there is no store. Make it."]
    assert errors[2].startswith("exit code 1: RuntimeError: worker lost (all of it:")
    assert errors[3].startswith("killed by signal 9: ")


def test_runs_under_way_are_stopped_where_the_caller_stops(runs, tmp_path):
    marks = [tmp_path / f"stopped{seed}" for seed in range(2)]
    code = "import sys; {seed} or sys.exit(0); sys.stdin.read(); open('{folder}/../stopped{seed}', 'w')"
    queue = RunQueue(2, 1, python(code)).outcomes(runs)
    assert next(queue).run.seed == 0  # seed 1 is under way
    queue.close()
    assert not marks[0].exists() and marks[1].exists()
    assert not (runs[3].folder / "log.txt").exists()


def test_a_run_hears_that_the_whole_ablation_was_killed(runs, tmp_path):
    """The pipe closes by itself, whatever ended the process that held it."""
    mark = tmp_path / "alone"
    script = f"""
import os, sys
from pathlib import Path
sys.path.insert(0, {os.getcwd()!r})
from pipeline.workspace import Workspace
from stages.commands.ablate.run_queue import RunQueue
from student.ablation.ablation import Run
root = Path({str(tmp_path)!r})
run = Run("arm", 0, Workspace(root, Workspace.open(root).params, root / "seed0"))
code = "import sys; print('here', flush=True); sys.stdin.read(); open({str(mark)!r}, 'w')"
for _ in RunQueue(1, 1, lambda run: [sys.executable, "-c", code]).outcomes([run]):
    pass
"""
    process = subprocess.Popen([sys.executable, "-c", script])
    log = tmp_path / "seed0" / "log.txt"
    _wait_for(lambda: log.is_file() and log.read_text())
    process.kill()
    process.wait()
    _wait_for(mark.exists)
    assert log.read_text() == "here\n"


def _wait_for(happened, seconds=300.0):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_folder_that_cannot_be_made_is_a_users_error(runs):
    runs[0].folder.write_text("in the way")
    with pytest.raises(KDError, match="cannot be written"):
        outcomes(runs, "pass")
