"""Scores of a student while it trains: they show its course and change nothing of it."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pipeline.datasets.crop_table import write_crop_table
from pipeline.errors import KDError
from pipeline.params import ValidationParams
from pipeline.workspace import Workspace
from student.evaluation.evaluate import evaluate_workspace
from student.training.train import train_student


class Killed(BaseException):
    """As a signal would end it: no handler catches it."""


@pytest.fixture
def workspace(tiny, make_heatmap_teacher, make_simcc_teacher) -> Workspace:
    """Two datasets to train on, with teachers that torch's generator leaves out, and two to validate on."""
    tiny.add_dataset("first", 8)
    tiny.add_dataset("second", 5, convention="mpii16", seed=1)
    for name, convention in (("val", "coco17"), ("far", "mpii16")):
        tiny.add_dataset(name, 3, convention, seed=2)
    workspace = tiny.open(
        ("dots_heatmap", "dots_simcc"),
        cells={"datasets": ["first", "second"]},
        train={"datasets": ["first", "second"], "epochs": 4, "ema_decay": 0.9},
        distill={"drop_teachers": 0.5},
    )
    for dataset in ("first", "second"):
        for teacher in (make_heatmap_teacher(), make_simcc_teacher()):
            tiny.add_store(teacher, dataset, workspace)
    return workspace


def validated(
    workspace: Workspace, output: Path, datasets: tuple[str, ...] = ("val",), every: int = 1, workers: int = 0
) -> Workspace:
    validation = ValidationParams(datasets=datasets, every_epochs=every) if datasets else None
    sections = {
        "train": workspace.params.train.model_copy(update={"validation": validation}),
        "runtime": workspace.params.runtime.model_copy(update={"workers": workers}),
    }
    return dataclasses.replace(workspace, params=workspace.params.model_copy(update=sections), output=output)


def curve(workspace: Workspace, name: str) -> list[tuple[int, float]]:
    """(epoch, value), as DVC plots it."""
    path = workspace.run / "dvclive" / "plots" / "metrics" / f"{name}.tsv"
    with path.open() as file:
        return [(int(row["step"]), float(row[path.stem])) for row in csv.DictReader(file, delimiter="\t")]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_training_with_validation_ends_in_the_bytes_of_one_without(workspace, tmp_path, workers):
    without = validated(workspace, tmp_path / "without", (), workers=workers)
    watched = validated(workspace, tmp_path / "watched", ("val", "far"), workers=workers)
    train_student(without)
    train_student(watched)
    for name in ("student.safetensors", "student.json"):
        assert (watched.run / name).read_bytes() == (without.run / name).read_bytes()
    for term in ("total", "ground_truth", "teacher/dots_heatmap"):
        assert curve(watched, f"train/loss/{term}") == curve(without, f"train/loss/{term}")


def test_the_curve_has_the_asked_epochs_and_the_last(workspace, tmp_path):
    watched = validated(workspace, tmp_path, ("val", "far"), every=3)
    report = train_student(watched)
    assert [epoch for epoch, _ in curve(watched, "validation/val/PCK20")] == [2, 3]
    assert [epoch for epoch, _ in curve(watched, "validation/far/PCK20_limbs")] == [2, 3]
    assert curve(watched, "validation/far/PCK20")[-1][1] == report.last["validation/far/PCK20"]


def test_the_last_numbers_are_those_of_the_evaluation_and_in_the_summary(workspace, tmp_path, tiny):
    write_crop_table(tiny.tables["val"], workspace.people("val"))
    watched = validated(workspace, tmp_path)
    report = train_student(watched)
    evaluate = watched.params.evaluate.model_copy(update={"datasets": ("val",)})
    params = watched.params.model_copy(update={"evaluate": evaluate})
    scores = evaluate_workspace(dataclasses.replace(watched, params=params)).scores["val"]["student"].flat()
    assert {name: report.last[f"validation/val/{name}"] for name in ("PCK20", "PCK20_limbs")} == {
        name: scores[name] for name in ("PCK20", "PCK20_limbs")
    }
    line = f"val/PCK20_limbs {100 * scores['PCK20_limbs']:.1f}, val/PCK20 {100 * scores['PCK20']:.1f}"
    assert f"Validation, in percent: {line}" in report.summary()


def test_a_killed_training_resumes_to_the_same_curve(workspace, tmp_path):
    undisturbed = validated(workspace, tmp_path / "undisturbed")
    train_student(undisturbed)
    killed = validated(workspace, tmp_path / "killed")

    def at_step_9(step: int, steps: int) -> None:
        if step == 9:  # of 12, in the third epoch
            raise Killed

    with pytest.raises(Killed):
        train_student(killed, progress=at_step_9)
    assert train_student(killed).first_epoch == 2
    name = "validation/val/PCK20"
    assert curve(killed, name) == curve(undisturbed, name) and len(curve(killed, name)) == 4


def test_another_validation_is_no_other_training(workspace, tmp_path):
    train_student(validated(workspace, tmp_path))
    report = train_student(validated(workspace, tmp_path, ("far",), every=2))
    assert (report.first_epoch, report.note) == (4, "")


def test_a_split_on_which_nothing_can_be_measured_is_refused_before_the_training(workspace, tmp_path, tiny):
    unlabelled = np.zeros((3, 17), np.uint8)
    without_hips = np.full((3, 17), 2, np.uint8)
    without_hips[:, 11:13] = 0
    for visibility in (unlabelled, without_hips):
        tiny.save_table(dataclasses.replace(tiny.tables["val"], visibility=visibility))
        with pytest.raises(KDError) as error:
            train_student(validated(workspace, tmp_path))
        assert str(error.value) == (
            "dataset val of train.validation has 3 crops, but no person with a labelled joint that the "
            "student has, and with a shoulder and the opposite hip labelled, by whose distance PCK is "
            "measured. "
            "Name another labelled split there, or remove the setting."
        )
    assert not (tmp_path / "runs/student/checkpoints").exists()


def test_a_split_that_was_not_indexed_is_refused(workspace, tmp_path):
    (workspace.crops("val") / "crops.parquet").unlink()
    with pytest.raises(KDError, match="there is no crop table .*kd-pipeline index-datasets"):
        train_student(validated(workspace, tmp_path))
