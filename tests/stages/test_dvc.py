"""What DVC reruns, and what it leaves alone, in a real workspace with a real DVC."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

pytestmark = [pytest.mark.slow, pytest.mark.mm, pytest.mark.xdist_group("dvc"), pytest.mark.timeout(1500)]

ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "OMP_NUM_THREADS": "1",
    "GIT_AUTHOR_NAME": "test",
    "GIT_AUTHOR_EMAIL": "test@localhost",
    "GIT_COMMITTER_NAME": "test",
    "GIT_COMMITTER_EMAIL": "test@localhost",
}
SPLITS = [f"{domain}-{split}" for domain in ("synth_coco", "synth_mpii") for split in ("train", "val")]


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def stages_run(folder: Path, *command: str) -> set[str]:
    """The stages that a DVC command really ran."""
    return stages_in(run(folder, *command))


def stages_in(output: str) -> set[str]:
    return {name.split(":")[-1] for name in re.findall(r"Running stage '([^']+)'", output)}


def out_of_date(folder: Path) -> set[str]:
    """The workspace's stages that `dvc status` would run again."""
    printed = run(folder, "dvc", "status", "--json", "dvc.yaml")
    return {name.split(":")[-1] for name in json.loads(printed[printed.index("{") :])}


def cells_complete_already(output: str) -> dict[str, bool]:
    """By cell: whether extraction reported that it was complete already."""
    lines = re.findall(r"^stores/(\S+)\.zarr: (.*)$", output, re.MULTILINE)
    return {cell: report.startswith("complete already") for cell, report in lines}


def change(folder: Path, *keys: str, value: object) -> None:
    """Set one value of params.yaml."""
    path = folder / "params.yaml"
    params = yaml.safe_load(path.read_text())
    section = params
    for key in keys[:-1]:
        section = section.setdefault(key, {})
    section[keys[-1]] = value
    path.write_text(yaml.safe_dump(params, sort_keys=False))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny quickstart: one teacher over three of four splits, reproduced once and committed."""
    folder = tmp_path_factory.mktemp("dvc") / "workspace"
    run(folder.parent, "kd-pipeline", "init", str(folder))
    stages = (folder / "data" / "dvc.yaml").read_text()
    (folder / "data" / "dvc.yaml").write_text(
        re.sub(r"--train .* --seed", "--train 12 --val 6 --seed", stages)
    )
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params["datasets"] = {name: params["datasets"][name] for name in SPLITS}
    params["cells"] = {"teachers": ["heatmap_coco"], "datasets": SPLITS[:3]}
    params["train"] |= {"datasets": SPLITS[0::2], "epochs": 1, "steps_per_epoch": None, "batch_size": 4}
    params["evaluate"] |= {"datasets": SPLITS[1::2], "overlays": 1}
    params["extract"] |= {"shard_size": 4}
    params["student"] |= {"input_size": [64, 64]}
    params["runtime"] = {"batch_size": 4, "workers": 0}
    params["distill"] = {"weight": 1.0}
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    printed = run(folder, "dvc", "repro")
    assert {"extract@heatmap_coco", "train", "evaluate"} <= stages_in(printed)
    assert cells_complete_already(printed) == {f"heatmap_coco/{name}": False for name in SPLITS[:3]}
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", "first results")
    return folder


def test_a_second_repro_does_nothing(workspace: Path):
    assert stages_run(workspace, "dvc", "repro") == set()


def test_experiments_are_compared_by_a_handful_of_numbers(workspace: Path):
    metrics = json.loads(run(workspace, "dvc", "metrics", "show", "--json"))
    files = metrics[""]["data"]
    assert list(files) == ["evaluation/metrics.json"]
    numbers = files["evaluation/metrics.json"]["data"]
    assert list(numbers) == ["mean", "synth_coco-val", "synth_mpii-val"]
    assert all(found.keys() == {"PCK20", "people"} for name, found in numbers.items() if name != "mean")
    assert numbers["synth_coco-val"]["people"] >= 6


def test_plots_show_every_joint_as_a_bar_and_every_loss_as_a_curve(workspace: Path):
    output = run(workspace, "dvc", "plots", "show", "--json")
    plots = json.loads(output[output.index("{") :])["data"]
    bars = plots.pop("evaluation/per_joint.csv")[0]["content"]
    axes = bars["spec"]["encoding"]
    assert (axes["y"]["field"], axes["y"]["type"]) == ("joint", "nominal")
    assert axes["x"]["type"] == "quantitative"
    assert {"left_wrist", "right_ankle"} <= {bar["joint"] for bar in bars["data"]["values"]}
    assert all(0 <= float(bar["pck"]) <= 1 for bar in bars["data"]["values"] if bar["pck"])
    losses = {name.partition("train/loss/")[2]: curve[0]["content"] for name, curve in plots.items()}
    assert losses.keys() == {"total.tsv", "ground_truth.tsv", "teacher/heatmap_coco.tsv"}
    assert len(losses["total.tsv"]["data"]["values"]) == 1, "an epoch"


def test_speed_settings_rerun_nothing(workspace: Path):
    change(workspace, "runtime", "batch_size", value=8)
    assert stages_run(workspace, "dvc", "repro") == set()


@pytest.mark.parametrize(
    ("section", "key", "value"), [("train", "learning_rate", 0.0005), ("distill", "weight", 0.5)]
)
def test_a_changed_training_value_reruns_training_and_evaluation_only(
    workspace: Path, section: str, key: str, value: float
):
    change(workspace, section, key, value=value)
    assert stages_run(workspace, "dvc", "repro") == {"train", "evaluate"}


def test_an_experiment_reuses_the_stores(workspace: Path):
    run(workspace, "git", "add", "--all")
    run(workspace, "git", "commit", "--quiet", "--message", "more results")
    shards = {path: path.stat().st_mtime_ns for path in (workspace / "stores").rglob("c.*")}
    assert stages_run(workspace, "dvc", "exp", "run", "-S", "distill.weight=0.25") == {"train", "evaluate"}
    assert {path: path.stat().st_mtime_ns for path in (workspace / "stores").rglob("c.*")} == shards


def test_the_commands_of_the_ablations_page(workspace: Path):
    """And the README's: a queue is filled, and emptied without being started."""
    assert stages_run(workspace, "dvc", "repro", "extract") == set()
    assert "distill.weight" in run(workspace, "dvc", "exp", "show", "--csv")
    run(workspace, "dvc", "exp", "show")
    run(workspace, "dvc", "plots", "show", "runs/student/dvclive/plots/metrics/validation")
    seeds = ["dvc", "exp", "run", "--queue", "-S", "++train.seed=0,1,2"]
    run(workspace, *seeds, "-S", "distill.weight=0")
    run(workspace, *seeds, "-S", "++distill.weighting=fixed,confidence")
    assert run(workspace, "dvc", "queue", "status").count("Queued") == 3 + 6
    run(workspace, "dvc", "queue", "remove", "--all")


def test_a_new_dataset_computes_only_its_own_cells(workspace: Path):
    change(workspace, "cells", "datasets", value=SPLITS)
    printed = run(workspace, "dvc", "repro")
    assert stages_in(printed) == {"extract@heatmap_coco", "train", "evaluate"}
    assert cells_complete_already(printed) == {f"heatmap_coco/{name}": name != SPLITS[3] for name in SPLITS}


def test_a_new_teacher_leaves_the_others_alone_and_a_killed_one_resumes_with_its_missing_shards(
    workspace: Path,
):
    change(workspace, "cells", "teachers", value=["heatmap_coco", "simcc_mpii"])
    assert out_of_date(workspace) == {"extract@simcc_mpii", "train", "evaluate"}
    stores = workspace / "stores" / "simcc_mpii"
    kill_when_a_shard_is_there(workspace, stores / f"{SPLITS[1]}.zarr")
    finished = written_seals(stores)
    assert {path.parts[-3] for path in finished} == {f"{name}.zarr" for name in SPLITS[:2]}
    printed = run(workspace, "dvc", "repro")
    assert stages_in(printed) == {"extract@simcc_mpii", "train", "evaluate"}
    assert cells_complete_already(printed)[f"simcc_mpii/{SPLITS[0]}"]
    assert finished.items() <= written_seals(stores).items()
    assert "whole" in run(workspace, "kd-pipeline", "store", "verify", str(stores / f"{SPLITS[1]}.zarr"))


def test_a_teachers_own_list_of_datasets_concerns_that_teacher_and_who_learns_from_it(workspace: Path):
    change(workspace, "teachers", "simcc_mpii", "datasets", value=SPLITS[2:])
    assert out_of_date(workspace) == {"extract@simcc_mpii", "train", "evaluate"}
    printed = run(workspace, "dvc", "repro", "extract@simcc_mpii")
    assert cells_complete_already(printed) == {f"simcc_mpii/{name}": True for name in SPLITS[2:]}
    assert out_of_date(workspace) == {"train", "evaluate"}


def written_seals(stores: Path) -> dict[Path, int]:
    """When each finished shard was: its seal is the last of its files."""
    return {path: path.stat().st_mtime_ns for path in stores.glob("*/seal/c.*")}


def kill_when_a_shard_is_there(workspace: Path, store: Path) -> None:
    """Start `dvc repro` and SIGKILL it with all its children once the store's first shard is written."""
    process = subprocess.Popen(
        ["dvc", "repro"],
        cwd=workspace,
        env=ENVIRONMENT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 300
    while not list(store.glob("seal/c.*")) and process.poll() is None:
        assert time.monotonic() < deadline, "no shard after five minutes"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
