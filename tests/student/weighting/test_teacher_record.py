"""Teachers measured on stores and tables, without a map or a teacher."""

import json

import pytest
from click.testing import CliRunner

from stages.cli import main
from student.data.training_data import open_training_data
from student.weighting.build import build_weighting
from student.weighting.confidence import ConfidenceWeighting
from student.weighting.reliability import ReliabilityWeighting
from student.weighting.right_shares import PRIOR_LABELS
from student.weighting.teacher_record import teacher_records


@pytest.fixture
def workspace(tiny, make_heatmap_teacher):
    """Twelve people with COCO's labels, and a teacher of MPII's joints whose right wrist is always wrong."""
    tiny.add_dataset("dots", 12)
    workspace = tiny.open()
    for person in tiny.people["dots"]:
        person["right_wrist"] = person["right_wrist"] + 40.0
    tiny.add_store(make_heatmap_teacher(), "dots", workspace)
    return workspace


def test_shares_are_measured_on_labelled_joints_and_left_and_right_together(workspace):
    training_data = open_training_data(workspace)
    record = teacher_records(training_data)["dots_heatmap"]
    joints = training_data.student.skeleton.joints
    share = dict(zip(joints, record.share_DU[0].tolist(), strict=True))
    labels = dict(zip(joints, record.labels_DU[0].tolist(), strict=True))
    assert labels["left_wrist"] == labels["right_wrist"] == 12 and labels["pelvis"] == 0
    assert share["left_wrist"] == share["right_wrist"] < 0.6  # half of them are right
    assert share["left_knee"] > 0.9
    assert not record.answers_U[joints.index("nose")] and record.answers_U[joints.index("pelvis")]


def test_a_joint_without_labels_has_the_teachers_overall_share(workspace):
    record = teacher_records(open_training_data(workspace))["dots_heatmap"]
    joints = open_training_data(workspace).student.skeleton.joints
    whole = (11 * 12 + PRIOR_LABELS / 2) / (12 * 12 + PRIOR_LABELS)  # one of twelve limb joints is wrong
    # The dataset's own share, which is the whole, once more diluted by the prior.
    dataset = (11 * 12 + PRIOR_LABELS * whole) / (12 * 12 + PRIOR_LABELS)
    assert record.share_DU[0, joints.index("pelvis")] == pytest.approx(dataset, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "kind"), [("reliability", ReliabilityWeighting), ("confidence", ConfidenceWeighting)]
)
def test_the_strategy_of_params_is_built(workspace, name, kind):
    distill = workspace.params.distill.model_copy(update={"weighting": name})
    params = workspace.params.model_copy(update={"distill": distill})
    assert isinstance(build_weighting(params, open_training_data(workspace), channels=4), kind)


def test_the_command_prints_every_joint_and_brackets_what_is_not_measured(workspace):
    result = CliRunner().invoke(main, ["reliability", "--workspace", str(workspace.root)])
    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: line.split()[1:] for line in result.output.splitlines()}
    assert lines["dots"] == ["dots_heatmap"] and lines["nose"] == ["-"]
    assert lines["pelvis"][0].startswith("(") and not lines["left_knee"][0].startswith("(")


def test_the_command_prints_shares_and_labels_as_json(workspace):
    result = CliRunner().invoke(main, ["reliability", "--json", "--workspace", str(workspace.root)])
    shares = json.loads(result.output)["dots"]["dots_heatmap"]
    assert shares["left_knee"]["labels"] == 12 and shares["pelvis"]["labels"] == 0
    assert "nose" not in shares
