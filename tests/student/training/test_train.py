"""Training as a whole, on pictures of dots."""

import dataclasses
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from pipeline.errors import KDError
from pipeline.files.durable import is_held, taking_turns
from pipeline.params import ViewsParams
from pipeline.store.read.reader import StoreReader
from pipeline.workspace import Workspace
from student.data.sampler import Draw
from student.data.training_data import open_training_data
from student.inference.crop_inference import Predictor
from student.network.saved import load_student
from student.training.checkpoint import load_training_state
from student.training.train import CHECKPOINT, train_student
from student.training.training_run import TrainingRun

NO_AUGMENTATION = dict.fromkeys(
    ("flip", "rotation_degrees", "scale", "shift", "half_body", "colour", "dropout"), 0.0
)


class Killed(BaseException):
    """As a signal would end it: no handler catches it."""


def killed_at(last: int):
    def progress(step: int, steps: int) -> None:
        if step == last:
            raise Killed

    return progress


@pytest.fixture
def workspace(tiny, make_heatmap_teacher, make_simcc_teacher) -> Workspace:
    """Two datasets, answered by a heatmap and a SimCC teacher, plain and in two views of every crop."""
    tiny.add_dataset("first", 8)
    tiny.add_dataset("second", 6, convention="mpii16", seed=1)
    workspace = tiny.open(
        ("dots_heatmap", "dots_simcc"),
        train={"datasets": ["first", "second"], "epochs": 4},
        extract={"views": {"count": 2}},
    )
    for dataset in ("first", "second"):
        tiny.add_store(make_heatmap_teacher(), dataset, workspace)
        tiny.add_store(make_simcc_teacher(), dataset, workspace)
    return workspace


def weights(workspace: Workspace) -> dict[str, torch.Tensor]:
    return load_file(workspace.run / "student.safetensors")


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def with_params(workspace: Workspace, **changes) -> Workspace:
    sections = {
        name: getattr(workspace.params, name).model_copy(update=values) for name, values in changes.items()
    }
    return dataclasses.replace(workspace, params=workspace.params.model_copy(update=sections))


def elsewhere(workspace: Workspace, folder: Path) -> Workspace:
    """The same workspace, whose student goes to another folder."""
    folder.mkdir()
    for entry in workspace.root.iterdir():
        if entry.name != "runs":
            (folder / entry.name).symlink_to(entry)
    return dataclasses.replace(workspace, root=folder)


def test_a_killed_training_resumes_to_the_very_weights_of_an_undisturbed_one(workspace, tmp_path):
    undisturbed = elsewhere(workspace, tmp_path / "undisturbed")
    train_student(undisturbed)
    with pytest.raises(Killed):
        train_student(workspace, progress=killed_at(8))  # of 12 steps: in the third epoch
    assert not (workspace.run / "student.safetensors").exists()
    report = train_student(workspace)
    assert (report.first_epoch, report.note) == (2, "")
    assert same(weights(workspace), weights(undisturbed))
    logs = [
        (w.run / "dvclive/plots/metrics/train/loss/total.tsv").read_text() for w in (workspace, undisturbed)
    ]
    assert logs[0] == logs[1] and len(logs[0].splitlines()) == 1 + 4


def test_a_finished_training_is_not_repeated(workspace):
    train_student(workspace)
    before = weights(workspace)
    (workspace.run / "student.safetensors").unlink()
    left = workspace.run / "checkpoints" / ".last.pt.3f.tmp"
    left.write_bytes(b"of a killed training")
    report = train_student(workspace, progress=killed_at(1))
    assert report.first_epoch == 4
    assert same(weights(workspace), before) and not left.exists()


def test_a_checkpoint_of_other_params_is_not_gone_on_from_and_the_report_says_why(workspace):
    train_student(with_params(workspace, train={"epochs": 1}))
    report = train_student(with_params(workspace, train={"epochs": 1, "learning_rate": 0.002}))
    assert report.first_epoch == 0
    assert "train.learning_rate: 0.001 -> 0.002" in report.note
    assert "started afresh" in report.summary()


def test_a_checkpoint_of_fewer_views_is_not_gone_on_from(workspace):
    fewer = with_params(workspace, train={"epochs": 1}, extract={"views": ViewsParams(count=1)})
    train_student(fewer)
    report = train_student(with_params(workspace, train={"epochs": 1}))
    assert report.first_epoch == 0
    assert "data.first.views.drawn.count: 1 -> 2" in report.note


def test_a_damaged_checkpoint_is_not_gone_on_from(workspace):
    one_epoch = with_params(workspace, train={"epochs": 1})
    train_student(one_epoch)
    checkpoint = one_epoch.run / CHECKPOINT
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1000])
    report = train_student(one_epoch)
    assert report.first_epoch == 0 and "cannot be read" in report.note


def test_the_number_of_workers_does_not_change_the_student(workspace, tmp_path):
    one_epoch = with_params(workspace, train={"epochs": 1})
    parallel = with_params(elsewhere(one_epoch, tmp_path / "parallel"), runtime={"workers": 2})
    train_student(one_epoch)
    train_student(parallel)
    assert same(weights(one_epoch), weights(parallel))


@pytest.mark.slow
def test_the_student_learns_labelled_joints_and_those_that_only_teachers_know(tiny, make_heatmap_teacher):
    tiny.add_dataset("dots", 8)
    workspace = tiny.open(
        student={"width": 32},
        train={
            "epochs": 90,
            "batch_size": 8,
            "learning_rate": 0.004,
            "ema_decay": 0.9,
            "augment": NO_AUGMENTATION,
        },
    )
    tiny.add_store(make_heatmap_teacher(), "dots", workspace)
    train_student(workspace)
    history = load_training_state(workspace.run / CHECKPOINT)["history"]
    assert history[-1]["train/loss/total"] < 0.25 * history[0]["train/loss/total"]

    student = load_student(workspace.run, torch.device("cpu"))
    found = Predictor(student, torch.device("cpu"), flip_test=False).predict_table(tiny.tables["dots"], 3)
    joints = student.config.skeleton.joints
    assert {"pelvis", "head_top", "upper_neck", "thorax"} <= set(joints)  # no label has them
    truth = np.array([[person[joint] for joint in joints] for person in tiny.people["dots"]])
    off = np.linalg.norm(found.keypoints_NU2 - truth, axis=-1)
    by_joint = dict(zip(joints, np.median(off, axis=0).tolist(), strict=True))
    # Image pixels, of people about 110 high; ears' and eyes' dots overlap.
    on_the_body = {joint: by_joint[joint] for joint in joints if not joint.endswith(("eye", "ear"))}
    assert max(on_the_body.values()) < 4, on_the_body
    assert found.scores_NU.mean() > 0.6


def test_without_a_distillation_weight_no_store_is_needed(tiny):
    tiny.add_dataset("dots", 4)
    workspace = tiny.open(train={"epochs": 1}, distill={"weight": 0.0})
    report = train_student(workspace)
    assert set(report.last) >= {"train/loss/total", "train/loss/ground_truth"}
    assert not any("teacher" in name for name in report.last)


def test_every_logged_total_is_the_sum_of_logged_terms_times_logged_weights(workspace):
    weighted = with_params(
        workspace, train={"epochs": 2, "ground_truth_weight": 0.7}, distill={"weight": 1.3}
    )
    report = train_student(weighted)
    metrics = json.loads((weighted.run / "dvclive/metrics.json").read_text())["train"]
    losses = {"ground_truth": metrics["loss"]["ground_truth"]} | {
        f"teacher/{name}": value for name, value in metrics["loss"]["teacher"].items()
    }
    factors = {"ground_truth": metrics["weight"]["ground_truth"]} | {
        f"teacher/{name}": value for name, value in metrics["weight"]["teacher"].items()
    }
    assert factors == {"ground_truth": 0.7, "teacher/dots_heatmap": 1.3, "teacher/dots_simcc": 1.3}
    assert min(losses.values()) > 0
    assert metrics["loss"]["total"] == pytest.approx(sum(losses[name] * factors[name] for name in losses))
    assert report.last["train/crops_per_second"] > 0


def test_a_loss_that_is_not_finite_names_the_crops_and_keeps_the_last_checkpoint(workspace, monkeypatch):
    import student.training.trainer

    sound, calls = student.training.trainer.total_loss, []

    def broken_in_the_third_epoch(terms):
        calls.append(1)
        return sound(terms) * (float("nan") if len(calls) == 8 else 1.0)

    monkeypatch.setattr(student.training.trainer, "total_loss", broken_in_the_third_epoch)
    with pytest.raises(KDError, match="step 7 of 12 the loss or its gradient is not finite") as caught:
        train_student(workspace)
    named = re.search(r"Crops of the batch: ([\d, ]+)\.", str(caught.value)).group(1).split(", ")
    assert len(named) == 4 and {int(crop) // 1000 for crop in named} <= {1, 2}
    assert len(load_training_state(workspace.run / CHECKPOINT)["history"]) == 2
    monkeypatch.setattr(student.training.trainer, "total_loss", sound)
    assert train_student(workspace).first_epoch == 2


def test_a_wrong_label_stops_training_after_the_last_good_step(workspace, tiny):
    table = tiny.tables["second"]
    keypoints = table.keypoints.copy()
    keypoints[4, 9] = float("nan")
    tiny.save_table(dataclasses.replace(table, keypoints=keypoints))
    every_step = with_params(workspace, runtime={"checkpoint_steps": 1}, train={"seed": 1})
    with pytest.raises(KDError, match="not finite .terms: ground_truth nan") as caught:
        train_student(every_step)
    poisoned = int(table.crop_id[4])
    assert poisoned in crops_named_by(caught.value)
    saved = load_training_state(workspace.run / CHECKPOINT)["trainer"]
    assert f"at step {saved['step']} of 12" in str(caught.value) and saved["step"] > 0
    assert all(weight.isfinite().all() for weight in saved["learned"].values())


def test_a_stored_map_that_is_no_number_stops_training_and_names_its_teacher(
    workspace, make_heatmap_teacher, tiny, monkeypatch
):
    read = StoreReader.read

    def poisoned(self, rows):
        found = read(self, rows)
        if "peak" in found.maps.arrays():
            found.maps.peak_BK[found.crop_id_B == 1003] = float("nan")
        return found

    monkeypatch.setattr(StoreReader, "read", poisoned)
    with pytest.raises(
        KDError, match="teacher dots_heatmap hold values that are no numbers, for the crops 1003[.]"
    ):
        train_student(workspace)


def crops_named_by(error: KDError) -> list[int]:
    named = re.search(r"Crops of the batch: ([\d, ]+)\.", str(error)).group(1)
    return [int(crop) for crop in named.split(", ")]


def test_training_and_inference_import_nothing_of_openmmlab(workspace):
    one_epoch = with_params(workspace, train={"epochs": 1})
    script = f"""
import sys

class Blocker:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ("mmpose", "mmdet", "mmengine", "mmcv"):
            raise ImportError(f"{{name}} is not for stage two")

sys.meta_path.insert(0, Blocker())
from pathlib import Path
from pipeline.store.read.reader import StoreReader
from pipeline.workspace import Workspace
from student.training.train import train_student
train_student(Workspace.open(Path({str(one_epoch.root)!r})), progress=lambda step, steps: print(step, steps))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert (workspace.run / "student.json").is_file()


@pytest.mark.parametrize("weighting", ["confidence", "ca-mkd", "adaptive", "reliability"])
def test_every_weighting_trains_and_what_learns_is_kept_for_a_resume(
    tiny, make_heatmap_teacher, make_simcc_teacher, weighting
):
    tiny.add_dataset("dots", 4)
    workspace = tiny.open(
        teachers=("dots_heatmap", "dots_simcc"),
        train={"epochs": 1, "batch_size": 2},
        distill={"weighting": weighting},
    )
    for teacher in (make_heatmap_teacher(), make_simcc_teacher()):
        tiny.add_store(teacher, "dots", workspace)
    report = train_student(workspace)
    assert all(np.isfinite(value) for value in report.last.values())
    learned = load_training_state(workspace.run / CHECKPOINT)["trainer"]["learned"]
    assert any("joint_TUD" in name for name in learned) == (weighting == "adaptive")
    assert ("train/loss/weighting/adaptive" in report.last) == (weighting == "adaptive")


@pytest.mark.parametrize(("preset", "weights"), [("paper", (0.3, 1.0)), ("paper-literal", (1.3, 2.0))])
def test_the_papers_setting_trains_rtmposes_student(
    tiny, make_heatmap_teacher, make_simcc_teacher, preset, weights
):
    tiny.add_dataset("dots", 4)
    workspace = tiny.open(
        teachers=("dots_heatmap", "dots_simcc"),
        student={"backbone": "cspnext_t", "head": "rtmcc", "sigma": 5.0},
        train={"epochs": 1, "batch_size": 2, "ground_truth_weight": 0.3, "label_beta": 10},
        distill={"preset": preset},
    )
    for teacher in (make_heatmap_teacher(), make_simcc_teacher()):
        tiny.add_store(teacher, "dots", workspace)
    row = train_student(workspace).last
    logged = (row["train/weight/ground_truth"], row["train/weight/teacher/dots_heatmap"])
    assert logged == pytest.approx(weights)
    parts = ("ground_truth", "teacher/dots_heatmap", "teacher/dots_simcc")
    total = sum(row[f"train/loss/{part}"] * row[f"train/weight/{part}"] for part in parts)
    assert row["train/loss/total"] == pytest.approx(total)


def test_the_weight_of_occluded_labels_reaches_the_batch(workspace):
    run = TrainingRun(
        with_params(workspace, train={"occluded_weight": 0.25}).params,
        open_training_data(workspace),
        torch.device("cpu"),
        workspace.root,
    )
    for maker in run.dataset._makers:
        visibility = np.ones_like(maker._split.table.visibility)
        object.__setattr__(maker._split.table, "visibility", visibility)
    weights = run.dataset[[Draw(0, 0, 0), Draw(0, 0, 1)]].weight_BU
    assert set(weights.unique().tolist()) == {0.0, 0.25}


def test_a_second_training_in_the_same_folder_waits_for_its_turn(workspace):
    held = set()
    train_student(workspace, progress=lambda done, steps: held.add(is_held(workspace.run)))
    assert held == {True} and not is_held(workspace.run)
    with ThreadPoolExecutor(1) as pool:
        with taking_turns(workspace.run):
            second = pool.submit(train_student, workspace)
            with pytest.raises(TimeoutError):
                second.result(timeout=2)
        assert second.result(timeout=120).first_epoch > 0
