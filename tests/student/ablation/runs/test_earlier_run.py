"""A run whose evaluation left predictions and no verdicts, as before there were any."""

import json

import numpy as np
import pytest

from pipeline.conventions.registry import load_convention
from pipeline.datasets.crop_table import read_crop_table
from student.ablation.runs.earlier_run import complete_evaluation
from student.evaluation.metrics.pck import MET, MISSED
from student.evaluation.per_person import read_per_person
from student.evaluation.predictions import Predictions, write_predictions


@pytest.fixture
def run(open_ablation, workspace):
    """Every joint where its label is, but all noses far off."""
    run = open_ablation().runs()[0]
    for name in ("first", "second"):
        table = read_crop_table(workspace.crops(name), workspace.path(workspace.dataset(name).images))
        keypoints, joints = table.keypoints.copy(), load_convention(table.convention).joints
        if "nose" in joints:
            keypoints[:, joints.index("nose")] += 500
        scores = np.full(keypoints.shape[:2], 0.9, np.float32)
        predictions = Predictions(table.crop_id, keypoints, scores, np.ones(len(joints), bool))
        write_predictions(
            run.workspace.evaluation / "predictions" / name / "student.json", predictions, table
        )
    return run


def test_verdicts_come_from_saved_predictions_and_the_labels(run):
    complete_evaluation(run)
    first = read_per_person(run.workspace.evaluation / "per_person.npz", "student")["first"]
    met = {joint: first.of["PCK20"][:, number].tolist() for number, joint in enumerate(first.joints)}
    assert met.pop("nose") == [MISSED] * 4 and all(verdicts == [MET] * 4 for verdicts in met.values())


def test_verdicts_that_are_there_stay(run):
    path = run.workspace.evaluation / "per_person.npz"
    path.write_bytes(b"theirs")
    complete_evaluation(run)
    assert path.read_bytes() == b"theirs"


def test_a_run_whose_predictions_are_gone_or_of_other_crops_has_none(run):
    path = run.workspace.evaluation / "predictions/first/student.json"
    saved = json.loads(path.read_text())
    path.write_text(json.dumps(saved[1:]))
    complete_evaluation(run)
    path.unlink()
    complete_evaluation(run)
    assert not (run.workspace.evaluation / "per_person.npz").exists()
