"""Names that params.yaml may have, in every place that a name gets to."""

import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo
from lamp_workspace import kd, refused, write_params, write_people, write_teacher

REPOSITORY = Path(__file__).resolve().parents[2]
NAMES = ["coco17-train", "2017_train", "3dpw", "RTMPose-m", "a", "0a", "1e5a", "y", "nan", "x" * 64]


def name_all(params: dict) -> None:
    """A dataset and a teacher of each name, a cell each."""
    (dataset,), (teacher,) = params["datasets"].values(), params["teachers"].values()
    params["datasets"] = dict.fromkeys(NAMES, dataset)
    params["teachers"] = {
        name: teacher | {"datasets": [name], "checkpoint": f"teachers/{name}/lamp.onnx"} for name in NAMES
    }
    params["cells"] = {"teachers": NAMES, "datasets": NAMES}
    params["train"] |= {"datasets": NAMES[:3], "steps_per_epoch": 2}
    params["evaluate"] = {"datasets": NAMES, "overlays": 1}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("names")
    write_people(folder)
    write_teacher(folder / "teachers" / "lamp")
    for name in NAMES:
        shutil.copytree(folder / "teachers" / "lamp", folder / "teachers" / name)
    write_params(folder, name_all)
    return folder


def test_dvc_has_a_stage_of_every_name_whose_command_a_shell_splits_as_meant(workspace: Path):
    shutil.copy(REPOSITORY / "dvc.yaml", workspace)
    params = yaml.safe_load((workspace / "params.yaml").read_text())
    params |= {name: {} for name in ("skeleton", "distill", "extract") if name not in params}
    (workspace / "params.yaml").write_text(yaml.safe_dump(params))
    with Repo.init(str(workspace), no_scm=True) as repo:
        stages = {stage.name: stage for stage in repo.index.stages}
    for name in NAMES:
        index, extract = stages[f"index@{name}"], stages[f"extract@{name}"]
        assert shlex.split(index.cmd) == ["kd-pipeline", "index-datasets", "--dataset", name]
        assert shlex.split(extract.cmd)[:4] == ["kd-pipeline", "extract-teachers", "--teacher", name]
        assert [Path(str(out)).name for out in (*index.outs, *extract.outs)] == [name, name]


def test_every_command_takes_them_and_writes_below_their_folders(workspace: Path):
    for name in NAMES:
        kd(workspace, "index-datasets", "--dataset", name)
    kd(workspace, "extract-teachers")
    kd(workspace, "train-student")
    kd(workspace, "evaluate")
    assert {path.name for path in (workspace / "crops").iterdir()} == set(NAMES)
    assert {path.parent.name for path in (workspace / "stores").glob("*/*.zarr")} == set(NAMES)
    assert {path.name for path in (workspace / "evaluation" / "predictions").iterdir()} == set(NAMES)


@pytest.mark.parametrize("section", ["datasets", "teachers"])
@pytest.mark.parametrize("name", ["../../x", "coco.v2", "x;touch Y", "$(touch Y)", "1e5", "nul", "e\u0301"])
def test_an_odd_name_ends_every_command_before_it_writes(
    workspace: Path, tmp_path: Path, section: str, name: str
):
    def rename(params: dict) -> None:
        (params[section][name],) = params[section].values()

    write_params(tmp_path, rename)
    for command in ("index-datasets", "extract-teachers", "train-student", "evaluate"):
        assert "cannot be the name of a" in refused(tmp_path, command)
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]
