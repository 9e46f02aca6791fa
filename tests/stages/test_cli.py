import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from lamp_workspace import write_params, write_people

from stages.cli import main

PARAMS = """
cells: {teachers: [lamp], datasets: [street-train]}
datasets:
  street-train: {format: coco, convention: coco17, images: images, annotations: a.json}
teachers:
  lamp: {adapter: onnx, config: lamp.yaml, checkpoint: lamp.onnx, convention: coco17}
train: {datasets: [street-train]}
evaluate: {datasets: [street-train]}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "params.yaml").write_text(PARAMS)
    return tmp_path


def kd(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["index-datasets", "--dataset", "street-trian"],
            "there is no dataset 'street-trian'. Did you mean 'street-train'?",
        ),
        (["extract-teachers", "--teacher", "lam"], "there is no teacher 'lam'. Did you mean 'lamp'?"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_known_one(
    workspace: Path, arguments: list[str], message: str
):
    result = kd(*arguments, "--workspace", workspace)
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "there is no command 'train'. Did you mean 'train-student'?"),
        (["evalaute"], "there is no command 'evalaute'. Did you mean 'evaluate'?"),
        (["teachers"], "Did you mean 'extract-teachers'?"),
        (["store", "lss"], "there is no command 'lss'. Did you mean 'ls'?"),
        (["skeleton", "print"], "No such command 'print'."),
        (
            ["train-student", "--epochs", "3"],
            "there is no option --epochs. It is a setting of params.yaml: train.epochs.",
        ),
        (["evaluate", "--batch-size=3"], "params.yaml: train.batch_size or runtime.batch_size."),
        (["train-student", "--frehs"], "No such option '--frehs'. Did you mean '--fresh'?"),
        (["train-student", "--bananas"], "No such option '--bananas'."),
    ],
)
def test_an_unknown_command_or_option_is_answered_with_what_was_meant(arguments: list[str], message: str):
    result = kd(*arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_a_missing_ablation_is_refused_as_that(workspace: Path):
    result = kd("ablate", workspace / "nowhere.yaml", "--workspace", workspace)
    assert result.exit_code == 2 and f"there is no file {workspace / 'nowhere.yaml'}." in result.output


def test_a_folder_without_params_says_how_to_make_a_workspace(tmp_path: Path):
    result = kd("train-student", "--workspace", tmp_path)
    assert result.exit_code == 2
    assert "kd-pipeline init DIR" in result.output


def test_a_user_error_is_one_paragraph_without_a_traceback(workspace: Path):
    result = kd("index-datasets", "--workspace", workspace)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert result.output.startswith("Error: ")
    assert "\n\n" not in result.output.strip()
    assert not (workspace / "crops").exists()


def test_the_union_of_coco_and_mpii_is_shown_with_its_21_joints():
    result = kd("skeleton", "show", "coco17", "mpii16")
    assert result.exit_code == 0
    for joint in ("nose", "pelvis", "thorax", "upper_neck", "head_top"):
        assert joint in result.output


def test_every_command_explains_itself():
    for name in main.commands:
        result = kd(name, "--help")
        assert result.exit_code == 0
        assert len(result.output.splitlines()) > 4


@pytest.mark.parametrize(
    "arguments", [["index-datasets"], ["synthesize", "synth_coco", "--train", "1", "--val", "1"]]
)
def test_a_command_that_runs_no_network_does_not_wait_for_torch(tmp_path: Path, arguments: list[str]):
    write_people(tmp_path)
    write_params(tmp_path)
    option = ["--workspace", str(tmp_path)] if arguments[0] == "index-datasets" else ["--out", str(tmp_path)]
    code = (
        f"import sys; from stages.cli import main; main({arguments + option}, standalone_mode=False); "
        "print(sorted({'torch', 'torchvision', 'mmpose', 'onnxruntime', 'zarr'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_does_not_wait_for_torch():
    code = "import sys, stages.cli; print(sorted({'torch', 'mmpose', 'zarr'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )


def test_an_interrupted_command_says_that_it_can_be_repeated(monkeypatch):
    def interrupted(**arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(main.commands["index-datasets"], "callback", interrupted)
    done = CliRunner().invoke(main, ["index-datasets"])
    assert done.exit_code == 130
    assert "Stopped. What was finished is kept" in done.output
