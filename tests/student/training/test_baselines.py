"""Students that are trained beside the student, to compare it with."""

import pytest
import yaml
from click.testing import CliRunner

from pipeline.datasets.crop_table import write_crop_table
from pipeline.errors import KDError
from pipeline.workspace import Workspace
from stages.cli import main
from student.data.training_data import open_training_data
from student.evaluation.evaluate import evaluate_workspace
from student.training.baselines import baseline_workspaces, make_baselines_folder


@pytest.fixture
def workspace(tiny, make_heatmap_teacher):
    """Labelled dots and unlabelled ones, both answered by a teacher."""
    tiny.add_dataset("dots", 6, convention="mpii16")
    tiny.add_dataset("more", 6, convention="mpii16", seed=1)
    workspace = tiny.open()
    for name in ("dots", "more"):
        tiny.add_store(make_heatmap_teacher(), name, workspace)
    return workspace


def with_baselines(workspace: Workspace, baselines: dict) -> Workspace:
    path = workspace.root / "params.yaml"
    values = yaml.safe_load(path.read_text())
    values["train"] |= {"baselines": baselines, "epochs": 1, "steps_per_epoch": 2, "batch_size": 4}
    values["datasets"]["more"]["format"] = "images"
    values["runtime"] = {"workers": 0, "device": "cpu"}
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return Workspace.open(workspace.root)


def test_labels_alone_leave_out_the_pictures_that_have_none(workspace):
    workspace = with_baselines(workspace, {"labels_only": {"distill.weight": 0}})
    (baseline,) = baseline_workspaces(workspace).values()
    assert [split.table.dataset for split in open_training_data(workspace).splits] == ["dots", "more"]
    assert [split.table.dataset for split in open_training_data(baseline).splits] == ["dots"]
    assert baseline.params.train.epochs == 1 and not baseline.params.train.baselines


def test_nothing_labelled_and_nobody_teaching_is_an_error(workspace):
    workspace = with_baselines(workspace, {"nothing": {"distill.weight": 0, "train.datasets": ["more"]}})
    (baseline,) = baseline_workspaces(workspace).values()
    with pytest.raises(KDError, match=r"no dataset of train.datasets \(more\) has labels, so nothing is"):
        open_training_data(baseline)


def test_one_command_trains_the_student_and_its_baselines_and_another_compares_them(workspace, tiny):
    workspace = with_baselines(workspace, {"labels_only": {"distill.weight": 0}})
    done = CliRunner().invoke(main, ["train-student", "--workspace", str(workspace.root)])
    assert done.exit_code == 0, done.output
    first = (workspace.run / "student.safetensors").read_bytes()
    folder = workspace.root / "runs" / "baselines" / "labels_only"
    assert (folder / "student.safetensors").read_bytes() != first
    write_crop_table(tiny.tables["dots"], workspace.people("dots"))
    report = evaluate_workspace(workspace)
    assert report.models[:2] == ("student", "labels_only")
    alone = with_baselines(workspace, {})
    done = CliRunner().invoke(main, ["train-student", "--workspace", str(alone.root)])
    assert done.exit_code == 0 and "another training" not in done.output, "the student's training resumes"
    assert (alone.run / "student.safetensors").read_bytes() == first
    assert not folder.exists(), "what is no longer asked for is removed"


@pytest.mark.parametrize(
    ("baselines", "message"),
    [
        ({"a": {"cells.teachers": []}}, "train.baselines, a sets cells.teachers, but only settings of"),
        ({"a": {"distill.wieght": 0}}, "train.baselines, a: .*wieght: no such setting"),
        ({"a": {"train.seed": 3}}, "sets train.seed"),
        ({"a/b": {}}, "train.baselines: .a/b. cannot be the name of a baseline"),
    ],
)
def test_a_baseline_that_cannot_be_is_refused_before_anything_is_trained(workspace, baselines, message):
    with pytest.raises(KDError, match=message):
        baseline_workspaces(with_baselines(workspace, baselines))


def test_a_baseline_with_a_teachers_name_is_refused(workspace):
    workspace = with_baselines(workspace, {"dots_heatmap": {"distill.weight": 0}})
    with pytest.raises(KDError, match="train.baselines calls a student 'dots_heatmap', which is a teacher's"):
        evaluate_workspace(workspace)


def test_other_folders_among_the_baselines_are_left_alone(workspace):
    workspace = with_baselines(workspace, {})
    mine = workspace.root / "runs" / "baselines" / "mine"
    mine.mkdir(parents=True)
    (mine / "notes.txt").write_text("kept")
    make_baselines_folder(workspace)
    assert (mine / "notes.txt").is_file()
