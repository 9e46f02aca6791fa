"""A whole workspace: a labelled split, detections on it, images without labels; three teachers."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import yaml

from pipeline.conventions.convention import Convention
from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import build_union, match_joints
from pipeline.datasets.crop_table import CropTable, read_crop_table, write_crop_table
from pipeline.datasets.index import index_dataset, index_people
from pipeline.errors import KDError
from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.params import ViewsParams
from pipeline.store.format.cell import CellSpec
from pipeline.store.format.rows import CellRows, HeatmapRows
from pipeline.store.write.row_plan import wanted_keys
from pipeline.store.write.writer import StoreWriter, create_store
from pipeline.workspace import Workspace
from student.evaluation.evaluate import evaluate_teachers, evaluate_workspace
from student.evaluation.predictions import read_predictions
from student.evaluation.scores import evaluate_predictions
from student.network.config import StudentConfig
from student.network.pose_student import PoseStudent
from student.network.saved import save_student

IMAGES, SIDE = 3, 160
POSE = np.random.default_rng(5).uniform(0.1, 0.9, (17, 2))
"""A COCO person in units of its box; any will do."""
SMALL = {"backbone": "mobilenet_v3_small", "input_size": (64, 64), "width": 16}


@dataclass
class Oracle:
    """A teacher that is never asked: its joints are written into the store directly."""

    name: str
    convention: Convention
    crop: CropGeometry = CropGeometry((64, 64), 1.25, False)
    map: MapGeometry = MapGeometry("heatmap", (2, 2), (32.0, 32.0))
    flip_test: bool = True
    beta: float | None = None
    provenance: dict[str, Any] = field(default_factory=lambda: {"adapter": "oracle", "flip_test": True})

    def predict(self, images_BHW3):
        raise NotImplementedError

    def storage_fidelity(self, images_BHW3):
        return None


def write_dataset(root: Path) -> None:
    (root / "images").mkdir()
    annotations, detections = [], []
    for image in range(IMAGES):
        cv2.imwrite(str(root / "images" / f"{image}.png"), np.full((SIDE, SIDE, 3), 90, np.uint8))
        for side in (0, 1):
            bbox = [5 + 75 * side, 10, 70, 120]
            joints = np.concatenate([POSE * bbox[2:] + bbox[:2], np.full((17, 1), 2)], axis=1)
            entry = {"image_id": image, "category_id": 1, "bbox": bbox}
            detections.append(entry | {"score": 0.9, "file_name": f"{image}.png"})
            labels = {"keypoints": joints.ravel().tolist(), "num_keypoints": 17, "iscrowd": 0, "area": 4000.0}
            annotations.append(entry | labels | {"id": len(annotations) + 1})
    images = [{"id": i, "file_name": f"{i}.png", "width": SIDE, "height": SIDE} for i in range(IMAGES)]
    joints = list(load_convention("coco17").joints)
    categories = [{"id": 1, "name": "person", "keypoints": joints}]
    annotated = {"images": images, "annotations": annotations, "categories": categories}
    (root / "people.json").write_text(json.dumps(annotated))
    (root / "boxes.json").write_text(json.dumps(detections))


def write_params(root: Path) -> None:
    labelled = {"format": "coco", "convention": "coco17", "images": "images", "annotations": "people.json"}
    teacher = {"adapter": "onnx", "checkpoint": "none.onnx", "config": "none.yaml"}
    params = {
        "cells": {"teachers": ["coco", "mpii", "never_run"], "datasets": ["val", "wild"]},
        "datasets": {
            "val": labelled,
            "detected": labelled | {"boxes": "boxes.json"},
            "wild": {"format": "images", "images": "images", "annotations": "boxes.json"},
        },
        "teachers": {
            "coco": teacher | {"convention": "coco17"},
            "mpii": teacher | {"convention": "mpii16"},
            "never_run": teacher | {"convention": "aic14"},
        },
        "train": {"datasets": ["val"]},
        "evaluate": {"datasets": ["val", "detected", "wild"], "overlays": 2},
        "runtime": {"device": "cpu", "workers": 0},
    }
    (root / "params.yaml").write_text(yaml.safe_dump(params))


def write_store(workspace: Workspace, teacher: Oracle, table) -> None:
    """The teacher's joints are the labels wherever its convention has the joint. Rows are in no order."""
    known = load_convention("coco17")
    n, k = len(table), teacher.convention.num_joints
    keypoints = np.full((n, k, 2), 3.0, np.float32)
    for source, target, _ in match_joints(teacher.convention, known) if table.num_joints else ():
        keypoints[:, source] = table.keypoints[:, target]
    zeros, ones = np.zeros((n, k), np.float16), np.ones((n, k), np.float32)
    order = np.random.default_rng(0).permutation(n)
    rows = CellRows(
        keys=wanted_keys(table, ViewsParams())[order],
        maps=HeatmapRows(np.zeros((n, k, 2, 2), np.uint8), ones, ones * 0),
        confidence_BK=np.full((n, k), 0.8, np.float32),
        keypoints_BK2=keypoints[order],
        affine_B23=np.zeros((n, 2, 3)),
        drift_BK=zeros,
        error_BK=zeros,
        floor_BK=zeros,
    )
    spec = CellSpec.of(teacher, table, workspace.params.extract)
    store = create_store(workspace.store(teacher.name, table.dataset), spec)
    with StoreWriter(store) as writer:
        (shard,) = store.missing()
        writer.write(shard, rows)


def index(workspace: Workspace) -> dict[str, CropTable]:
    tables = {}
    for name in workspace.params.evaluate.datasets:
        tables[name], _ = index_dataset(name, workspace.dataset(name), workspace.root)
        write_crop_table(tables[name], workspace.crops(name))
        people = index_people(name, workspace.dataset(name), workspace.root)
        if people is not None:
            write_crop_table(people, workspace.people(name))
    return tables


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    write_dataset(tmp_path)
    write_params(tmp_path)
    workspace = Workspace.open(tmp_path)
    tables = index(workspace)
    coco, mpii = load_convention("coco17"), load_convention("mpii16")
    backwards = coco.reordered(coco.joints[::-1], "coco17@coco")
    write_store(workspace, Oracle("coco", backwards), tables["val"])
    write_store(workspace, Oracle("mpii", mpii), tables["val"])
    torch.manual_seed(0)
    small = workspace.params.student.model_copy(update=SMALL)
    workspace.run.mkdir(parents=True)
    save_student(PoseStudent(StudentConfig.from_params(small, build_union([coco, mpii]))), workspace.run)
    return workspace


def test_an_evaluation_leaves_every_file_and_a_table_of_all_models(workspace):
    heard = []
    report = evaluate_workspace(workspace, progress=lambda done, total: heard.append((done, total)))
    assert heard == [(6, 18), (12, 18), (18, 18)]
    left = {str(p.relative_to(workspace.evaluation)) for p in workspace.evaluation.rglob("*") if p.is_file()}
    assert left == {
        "metrics.json",
        "details.json",
        "coverage.json",
        "per_joint.csv",
        "per_person.npz",
        "reliability.json",
        "table.md",
        "overlays/val.png",
        "overlays/detected.png",
        "overlays/wild.png",
        "overlays/side_by_side.png",
        *(f"overlays/{name}/{number}.png" for name in ("val", "detected", "wild") for number in ("01", "02")),
        "predictions/val/student.json",
        "predictions/val/coco.json",
        "predictions/val/mpii.json",
        "predictions/detected/student.json",
        "predictions/wild/student.json",
    }
    assert (workspace.evaluation / "table.md").read_text() == report.table()
    rows = {"coco": [], "mpii": [], "never_run": [], "people": [], "student": []}
    for line in report.table().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if cells and cells[0] in rows:
            rows[cells[0]].append(cells[1:])
    # PCK over val alone, which `detected` (boxes without labels) and `wild` do not enter; then AP.
    assert rows["coco"] == [["100.0", "100.0", "-", "-"], ["100.0", "-", "-"]]
    assert rows["mpii"] == [["100.0*", "100.0*", "-", "-"], ["100.0*", "-", "-"]]
    assert rows["never_run"] == [["-"] * 4, ["-"] * 3]
    assert rows["people"] == [["6", "6", "-", "-"], ["6", "6", "-"]]
    assert [cell == "-" for cell in rows["student"][1]] == [False, False, True]


def test_a_teacher_is_not_evaluated_on_a_dataset_that_its_own_list_leaves_out(workspace, tmp_path):
    params = yaml.safe_load((tmp_path / "params.yaml").read_text())
    params["teachers"]["mpii"]["datasets"] = ["wild"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    report = evaluate_workspace(Workspace.open(tmp_path))
    assert list(report.splits["val"].results) == ["student", "coco"]


def test_pictures_without_a_convention_are_answered_in_the_student_s_own_joints(workspace):
    wild = read_crop_table(workspace.crops("wild"), workspace.root / "images")
    write_store(workspace, Oracle("mpii", load_convention("mpii16")), wild)
    split = evaluate_workspace(workspace).splits["wild"]
    assert not split.scores and split.convention.num_joints == 21
    assert list(split.results) == ["student", "mpii"]
    assert "nose" in split.results["mpii"].mapping.not_predicted
    saved = read_predictions(workspace.evaluation / "predictions" / "wild" / "student.json")
    assert saved.keypoints.shape == (6, 21, 2) and saved.predicted.all()


def test_teachers_are_scored_before_there_is_a_student(workspace):
    both = evaluate_workspace(workspace).splits["val"].scores
    before = {path.name: path.read_bytes() for path in workspace.evaluation.glob("*.*")}
    shutil.rmtree(workspace.run)
    with pytest.raises(KDError, match="there is no student at .* kd-pipeline evaluate --teachers-only"):
        evaluate_workspace(workspace)
    report = evaluate_teachers(workspace, workspace.teacher_evaluation, overlays=1)
    assert {name: scores.flat() for name, scores in report.splits["val"].scores.items()} == {
        name: both[name].flat() for name in ("coco", "mpii")
    }
    assert list(report.splits) == ["val"] and "student" not in report.table()
    left = {path.name for path in workspace.teacher_evaluation.rglob("*.*")}
    assert "metrics.json" not in left, "it is of a student"
    assert {"details.json", "table.md", "val.png", "coco.json", "mpii.json"} <= left
    assert {path.name: path.read_bytes() for path in workspace.evaluation.glob("*.*")} == before


def test_pictures_without_labels_show_teachers_too_before_there_is_a_student(workspace):
    """In the joints that a student would have: those of the datasets and teachers in use."""
    wild = read_crop_table(workspace.crops("wild"), workspace.root / "images")
    write_store(workspace, Oracle("mpii", load_convention("mpii16")), wild)
    split = evaluate_teachers(workspace, workspace.teacher_evaluation, overlays=1).splits["wild"]
    union = build_union([load_convention(name) for name in ("coco17", "mpii16", "aic14")])
    assert split.convention.joints == union.joints and not split.scores
    assert (workspace.teacher_evaluation / "overlays" / "wild.png").is_file()


@pytest.mark.parametrize(
    ("extracted", "remedy"),
    [
        (["val", "wild"], "Extract: kd-pipeline extract-teachers --dataset val"),
        (["train"], "Add one to cells.datasets, then extract: kd-pipeline extract-teachers --dataset val"),
    ],
)
def test_neither_a_student_nor_a_store_is_refused_with_a_remedy(workspace, extracted, remedy):
    shutil.rmtree(workspace.root / "stores")
    params = yaml.safe_load((workspace.root / "params.yaml").read_text())
    params["datasets"]["train"] = params["datasets"]["val"]
    params["cells"]["datasets"] = extracted
    (workspace.root / "params.yaml").write_text(yaml.safe_dump(params))
    workspace = Workspace.open(workspace.root)
    with pytest.raises(KDError) as error:
        evaluate_teachers(workspace, workspace.teacher_evaluation, overlays=1)
    assert str(error.value) == (
        "no teacher of cells.teachers (coco, mpii, never_run) has a store for a dataset of evaluate.datasets "
        f"(val, detected, wild), so there is nothing to score. {remedy}"
    )
    assert not workspace.teacher_evaluation.exists()


def test_the_student_can_be_evaluated_alone(workspace):
    both = evaluate_workspace(workspace).scores["val"]["student"].flat()
    report = evaluate_workspace(workspace, with_teachers=False)
    assert report.scores["val"].keys() == {"student"}
    assert report.scores["val"]["student"].flat() == both
    left = {path.name for path in (workspace.evaluation / "predictions").rglob("*.json")}
    assert left == {"student.json"} and "| coco" not in report.table()


def add_students(workspace: Workspace, **folders: str) -> Workspace:
    """The workspace with `evaluate.students`; underscores of a name stand for spaces."""
    path = workspace.root / "params.yaml"
    params = yaml.safe_load(path.read_text())
    params["evaluate"]["students"] = {name.replace("_", " "): folder for name, folder in folders.items()}
    path.write_text(yaml.safe_dump(params, sort_keys=False))
    return Workspace.open(workspace.root)


def test_other_students_are_evaluated_like_the_student(workspace):
    """The same weights under another name give the same numbers; a student may have other joints."""
    shutil.copytree(workspace.run, workspace.root / "runs/labels_only")
    mpii = build_union([load_convention("mpii16")])
    small = StudentConfig.from_params(workspace.params.student.model_copy(update=SMALL), mpii)
    (workspace.root / "runs/mpii").mkdir()
    save_student(PoseStudent(small), workspace.root / "runs/mpii")
    others = add_students(workspace, labels_only="runs/labels_only", fewer="runs/mpii")
    report = evaluate_workspace(others)
    assert report.models == ("student", "labels only", "fewer", "coco", "mpii", "never_run")
    metrics = json.loads((workspace.evaluation / "details.json").read_text())["val"]
    assert metrics["labels only"] == metrics["student"]
    coverage = json.loads((workspace.evaluation / "coverage.json").read_text())["val"]
    assert "nose" in coverage["fewer"]["not_predicted"] and not coverage["labels only"]["not_predicted"]
    for dataset in ("val", "detected", "wild"):
        assert (workspace.evaluation / "predictions" / dataset / "labels only.json").is_file()
    assert "| labels only |" in report.table()
    alone = evaluate_workspace(others, with_teachers=False)
    assert alone.models == ("student", "labels only", "fewer")


def test_a_folder_without_a_student_says_how_to_make_one(workspace):
    others = add_students(workspace, labels_only="runs/labels_only")
    message = (
        "evaluate.students, labels only: there is no student at .*runs/labels_only .student.json is missing.*"
        "Train one .kd-pipeline train-student. and copy runs/student there, or name .*ablations/"
    )
    with pytest.raises(KDError, match=message):
        evaluate_workspace(others)


def test_a_damaged_student_is_named(workspace):
    shutil.copytree(workspace.run, workspace.root / "runs/torn")
    (workspace.root / "runs/torn/student.json").write_text("{")
    with pytest.raises(KDError, match="evaluate.students, torn: .* is not a student's JSON"):
        evaluate_workspace(add_students(workspace, torn="runs/torn"))


@pytest.mark.parametrize(
    ("name", "whose"), [("student", "the student's"), ("coco", "a teacher's"), ("labels", "the annotations'")]
)
def test_names_of_other_students_must_be_their_own(workspace, name, whose):
    with pytest.raises(KDError, match=f"calls a student '{name}', which is {whose} name"):
        evaluate_workspace(add_students(workspace, **{name: "runs/student"}))


def test_a_name_that_can_be_no_files_is_refused(workspace):
    with pytest.raises(KDError, match="evaluate.students.*'a/b'"):
        add_students(workspace, **{"a/b": "runs/student"})


def test_metrics_tell_the_oracles_from_the_untrained_student(workspace):
    evaluate_workspace(workspace)
    metrics = json.loads((workspace.evaluation / "details.json").read_text())
    assert list(metrics) == ["val", "detected", "mean"]
    assert list(metrics["val"]) == ["student", "coco", "mpii"]
    assert metrics["mean"]["mpii"] == {"PCK20_common": 1.0, "PCK20": 1.0}
    assert metrics["val"]["coco"]["AP"] == metrics["val"]["coco"]["PCK20"] == 1.0
    assert metrics["val"]["student"]["AP"] < 0.1
    coverage = json.loads((workspace.evaluation / "coverage.json").read_text())
    assert set(coverage["val"]["mpii"]["not_predicted"]) == {
        "nose",
        "left_eye",
        "right_eye",
        "left_ear",
        "right_ear",
    }
    assert coverage["val"]["student"]["not_predicted"] == []


def test_reliability_has_the_curve_of_every_model_on_every_labelled_split(workspace):
    """The oracles are right about each of 6 people's labelled joints with a confidence of 0.8: ECE 0.2."""
    evaluate_workspace(workspace)
    curves = json.loads((workspace.evaluation / "reliability.json").read_text())
    metrics = json.loads((workspace.evaluation / "details.json").read_text())
    assert {name: list(models) for name, models in curves.items()} == {
        "val": ["student", "coco", "mpii"],
        "detected": ["student"],
    }
    assert curves["val"]["coco"] == [{"low": 0.8, "high": 0.9, "count": 6 * 17, "score": 0.8, "right": 1.0}]
    assert curves["val"]["mpii"][0]["count"] == 6 * 12
    assert metrics["val"]["coco"]["ECE"] == metrics["val"]["mpii"]["ECE"] == 0.2
    assert sum(found["count"] for found in curves["val"]["student"]) == 6 * 17
    assert 0 <= metrics["val"]["student"]["ECE"] <= 1
    assert curves["detected"]["student"] == [] and "ECE" not in metrics["detected"]["student"]


def test_saved_predictions_give_the_numbers_again_without_any_network(workspace):
    report = evaluate_workspace(workspace)
    for name in ("student", "mpii"):
        split = report.splits["val"]
        saved = read_predictions(workspace.evaluation / "predictions" / "val" / f"{name}.json")
        assert evaluate_predictions(split.table, split.convention, saved).flat() == split.scores[name].flat()


def test_evaluating_twice_gives_the_same_metrics_and_forgets_models_that_are_gone(workspace):
    evaluate_workspace(workspace)
    metrics = (workspace.evaluation / "metrics.json").read_bytes()
    gone = workspace.evaluation / "predictions" / "val" / "gone.json"
    gone.touch()
    evaluate_workspace(workspace)
    assert (workspace.evaluation / "metrics.json").read_bytes() == metrics
    assert not gone.exists()


def test_a_person_whom_the_detector_missed_still_counts(workspace, tmp_path):
    """Where crops come from a detector, the people come from the annotations all the same."""
    boxes = json.loads((tmp_path / "boxes.json").read_text())
    (tmp_path / "boxes.json").write_text(json.dumps(boxes[:-1]))
    assert len(index(workspace)["detected"]) == 5
    scores = evaluate_workspace(workspace).splits["detected"].scores["student"]
    assert scores.persons == 6


def reindex(workspace: Workspace, root: Path, annotations: list[dict]) -> None:
    people = json.loads((root / "people.json").read_text())
    (root / "people.json").write_text(json.dumps(people | {"annotations": annotations}))
    index(workspace)


def test_a_crop_that_a_store_lacks_is_an_error_and_nothing_is_written(workspace, tmp_path):
    annotations = json.loads((tmp_path / "people.json").read_text())["annotations"]
    annotations[0]["bbox"][2] += 4
    reindex(workspace, tmp_path, annotations)
    with pytest.raises(KDError, match="the store of coco for val lacks 1 of 6 crops: .*--dataset val$"):
        evaluate_workspace(workspace)
    assert not workspace.evaluation.exists()


def test_teachers_are_evaluated_alone_without_a_student(workspace):
    expected = evaluate_workspace(workspace).scores["val"]["mpii"].flat()
    shutil.rmtree(workspace.run)
    folder = workspace.root / "teachers"
    report = evaluate_teachers(workspace, folder, overlays=0, on_refused=pytest.fail)
    assert report.models == ("coco", "mpii", "never_run")
    assert report.scores["val"]["mpii"].flat() == expected
    metrics = json.loads((workspace.root / "teachers/details.json").read_text())
    assert {name: list(models) for name, models in metrics.items()} == {
        "val": ["coco", "mpii"],
        "mean": ["coco", "mpii"],
    }


def test_a_store_that_cannot_be_used_leaves_its_teacher_out_and_says_why(workspace, tmp_path):
    annotations = json.loads((tmp_path / "people.json").read_text())["annotations"]
    annotations[0]["bbox"][2] += 4
    reindex(workspace, tmp_path, annotations)
    refused = []
    report = evaluate_teachers(
        workspace, tmp_path / "teachers", overlays=0, on_refused=lambda *cell: refused.append(cell)
    )
    assert [(teacher, dataset) for teacher, dataset, _ in refused] == [("coco", "val"), ("mpii", "val")]
    assert "the store of coco for val lacks 1 of 6 crops" in str(refused[0][2])
    assert report.scores == {}


def test_a_crop_that_was_taken_out_needs_no_extraction(workspace, tmp_path):
    annotations = json.loads((tmp_path / "people.json").read_text())["annotations"]
    reindex(workspace, tmp_path, annotations[1:])
    scores = evaluate_workspace(workspace).splits["val"].scores
    assert scores["coco"].persons == 5


def test_a_teacher_may_not_be_called_student(workspace, tmp_path):
    params = yaml.safe_load((tmp_path / "params.yaml").read_text())
    params["cells"]["teachers"] = ["student"]
    params["teachers"]["student"] = params["teachers"]["coco"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(KDError, match="a teacher is called 'student'"):
        evaluate_workspace(Workspace.open(tmp_path))


def test_a_dataset_may_not_be_called_mean(workspace, tmp_path):
    params = yaml.safe_load((tmp_path / "params.yaml").read_text())
    params["datasets"]["mean"] = params["datasets"]["val"]
    params["evaluate"]["datasets"] = ["mean"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(KDError, match="a dataset is called 'mean', which is the name of the mean"):
        evaluate_workspace(Workspace.open(tmp_path))
