import re
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from pipeline.datasets.index import index_dataset
from pipeline.errors import KDError
from pipeline.params import read_params
from pipeline.workspace import Workspace
from stages.cli import main
from stages.workspaces.check import missing_files
from stages.workspaces.dvc_file import missing_sections
from stages.workspaces.template import TEMPLATES, write_workspace
from student.evaluation.metric_files import PER_JOINT_COLUMNS


@pytest.mark.parametrize("template", [name for name in TEMPLATES if name != "real-sample"])
def test_a_template_is_a_committed_workspace_with_dvc(template: str, tmp_path: Path):
    folder = tmp_path / "mine"
    write_workspace(folder, template, None)
    read_params(folder / "params.yaml")
    assert (folder / ".dvc" / "config").is_file()
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert status.stdout == ""


def test_the_quickstart_needs_nothing_from_the_user(tmp_path: Path):
    write_workspace(tmp_path / "mine", "quickstart", None)
    assert missing_files(tmp_path / "mine") == []


def test_coco_mpii_says_where_every_missing_file_goes(tmp_path: Path):
    folder = tmp_path / "paper"
    write_workspace(folder, "coco-mpii", None)
    places = {str(file.path.relative_to(folder)) for file in missing_files(folder)}
    assert places == {
        "data/coco/train2017",
        "data/coco/annotations/person_keypoints_train2017.json",
        "data/coco/val2017",
        "data/coco/annotations/person_keypoints_val2017.json",
        "data/mpii/images",
        "data/mpii/annotations/mpii_train.json",
        "data/mpii/annotations/mpii_val.json",
        "teachers/rtmpose_m_coco/rtmpose-m_simcc-coco_pt-aic-coco_420e-256x192-d8dd5ca4_20230127.pth",
        "teachers/rtmpose_m_mpii/rtmpose-m_simcc-mpii_pt-aic-coco_210e-256x256-ec4dbec8_20230206.pth",
    }
    (folder / "data" / "mpii" / "images").mkdir(parents=True)
    assert folder / "data" / "mpii" / "images" not in {file.path for file in missing_files(folder)}


def test_the_weights_that_a_student_is_to_start_from_are_missing_too(tmp_path: Path):
    folder = tmp_path / "mine"
    write_workspace(folder, "quickstart", None)
    params = (folder / "params.yaml").read_text()
    for init, places in (
        ("rtmpose: weights/rtmpose-t.pth", [folder / "weights/rtmpose-t.pth"]),
        ("student: ../other", [folder / "../other"]),
        ("backbone: imagenet", []),
    ):
        changed = re.sub(r"\n  init: .*", f"\n  init: {{{init}}}", params)
        (folder / "params.yaml").write_text(changed)
        assert [file.path for file in missing_files(folder)] == places


def test_real_sample_without_data_asks_for_it(tmp_path: Path):
    with pytest.raises(KDError, match="--data DIR"):
        write_workspace(tmp_path / "real", "real-sample", None)
    assert not (tmp_path / "real").exists()


def test_real_sample_with_a_wrong_folder_names_what_it_lacks(tmp_path: Path):
    with pytest.raises(KDError, match="there is no .*lspet"):
        write_workspace(tmp_path / "real", "real-sample", tmp_path)
    assert not (tmp_path / "real").exists()


def test_adapt_without_data_says_where_one_s_own_goes(tmp_path: Path):
    folder = tmp_path / "mine"
    write_workspace(folder, "adapt", None)
    places = {str(file.path.relative_to(folder)) for file in missing_files(folder)}
    assert {"data/target/images", "data/target/annotations/train.json", "teachers/cpm/cpm.onnx"} <= places


@pytest.mark.realdata
def test_adapt_finds_everything_in_the_pack_and_reads_the_target_without_its_labels(
    tmp_path: Path, realdata: Path
):
    write_workspace(tmp_path / "mine", "adapt", realdata)
    assert missing_files(tmp_path / "mine") == []
    workspace = Workspace.open(tmp_path / "mine")
    target, refused = index_dataset("target", workspace.dataset("target"), workspace.root)
    assert len(target) == 144 and target.num_joints == 0 and not refused
    validation, _ = index_dataset("target-val", workspace.dataset("target-val"), workspace.root)
    assert len(validation) == 48 and validation.labelled.all()
    assert set(target.image).isdisjoint(validation.image)


@pytest.mark.realdata
def test_real_sample_finds_everything_in_the_pack(tmp_path: Path, realdata: Path):
    write_workspace(tmp_path / "real", "real-sample", realdata)
    assert missing_files(tmp_path / "real") == []
    ablations = {"ablation.yaml", "quick.yaml", "settings.yaml", "student.yaml"}
    files = {"params.yaml", "dvc.yaml", *ablations}
    assert {file.name for file in (tmp_path / "real").glob("*.yaml")} == files


def test_dvc_finds_the_template_that_the_plots_name(tmp_path: Path, repository: Path):
    write_workspace(tmp_path / "mine", "adapt", None)
    stages = yaml.safe_load((tmp_path / "mine" / "dvc.yaml").read_text())["stages"]
    ((path, plot),) = stages["evaluate"]["plots"][0].items()
    template = Path(".dvc", "plots", f"{plot['template']}.json")
    assert (tmp_path / "mine" / template).read_bytes() == (repository / template).read_bytes()
    assert {plot["x"], plot["y"], "dataset", "model"} <= set(PER_JOINT_COLUMNS) and path.endswith(".csv")


def test_without_git_nothing_is_written_and_what_is_there_can_be_checked(tmp_path: Path, monkeypatch):
    folder = tmp_path / "mine"
    write_workspace(folder, "adapt", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing_files(folder)
    with pytest.raises(KDError, match="git is not to be found"):
        write_workspace(tmp_path / "other", "adapt", None)
    assert not (tmp_path / "other").exists()


def test_a_section_that_dvc_needs_is_asked_for(tmp_path: Path):
    """Without it every command runs, and `dvc repro` stops at the stage that depends on it."""
    folder = tmp_path / "mine"
    write_workspace(folder, "quickstart", None)
    assert missing_sections(Workspace.open(folder)) == []
    params = yaml.safe_load((folder / "params.yaml").read_text())
    del params["extract"], params["distill"]
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    assert missing_sections(Workspace.open(folder)) == ["extract", "distill"]
    done = CliRunner().invoke(main, ["init", str(folder), "--check"])
    assert done.exit_code == 1 and "Add a line: distill: {}" in done.output


def test_a_workspace_is_never_overwritten(tmp_path: Path):
    (tmp_path / "params.yaml").write_text("mine: true")
    with pytest.raises(KDError, match="holds a workspace already"):
        write_workspace(tmp_path, "quickstart", None)
    assert (tmp_path / "params.yaml").read_text() == "mine: true"


def test_no_setting_of_training_is_a_dependency_of_extraction(repository: Path):
    stages = yaml.safe_load((repository / "dvc.yaml").read_text())["stages"]
    assert stages["extract"]["do"]["params"] == ["teachers.${item}", "cells.datasets", "extract"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_section_that_dvc_watches_is_written_out(template: str, repository: Path):
    """DVC does not know our defaults: a section that params.yaml leaves out is an error to it."""
    folder = repository if template == "quickstart" else repository / "stages" / "templates" / template
    stages = yaml.safe_load((repository / "dvc.yaml").read_text())["stages"]
    watched = {param for stage in stages.values() for param in stage.get("params", ()) if "." not in param}
    assert watched <= yaml.safe_load((folder / "params.yaml").read_text()).keys()
