"""docs/extending.md: every example is one file and one line, and is used as a user would use it."""

import ast
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import yaml
from lamp_workspace import kd, refused, write_params, write_people, write_teacher

from pipeline import extensions
from pipeline.conventions.registry import load_convention
from pipeline.registry import Registry
from pipeline.store.store import open_store
from pipeline.teachers.checkpoints import sha256_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "extending.md"
LINES = 30


@dataclass(frozen=True)
class Example:
    """What a section shows: the new file, the registry's line, and the settings that use it."""

    path: str
    code: str
    registry: str
    member: dict[str, str]
    settings: dict


def example(heading: str) -> Example:
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.DOTALL | re.MULTILINE)[1]
    file, *rest = re.findall(r"```\w+\n# ([\w./]+)\n(.*?)```", section, re.DOTALL)
    settings = re.findall(r"```yaml\n(?!# )(.*?)```", section, re.DOTALL)
    registry, line = rest[0] if rest else ("", "")
    assert line.count("\n") <= 1
    member = ast.literal_eval("{" + line + "}")
    return Example(*file, registry, member, yaml.safe_load(settings[0]) if settings else {})


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Example]:
    """Write a section's file where its package finds it, and its line into the registry."""

    def add(heading: str) -> Example:
        found = example(heading)
        place = tmp_path / "added" / found.path
        place.parent.mkdir(parents=True)
        place.write_text(found.code)
        package = importlib.import_module(found.path.rpartition("/")[0].replace("/", "."))
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(place.parent)])
        registry: Registry = getattr(extensions, found.registry)
        for name, target in found.member.items():
            monkeypatch.setitem(registry.members, name, target)
        return found

    return add


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Three people, and an ONNX teacher."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    write_people(folder)
    write_teacher(folder / "teachers/lamp")
    return folder


def use(workspace: Path, settings: dict) -> None:
    """The workspace's params.yaml with these settings in their sections."""

    def change(params: dict) -> None:
        for section, values in settings.items():
            params[section] = {**params.get(section, {}), **values}

    write_params(workspace, change)


def run(workspace: Path, *commands: str) -> None:
    for command in commands:
        kd(workspace, command)


HEADINGS = re.findall(r"^## (.*)$", PAGE.read_text(), re.MULTILINE)


@pytest.mark.parametrize("heading", HEADINGS)
def test_an_example_is_short_and_is_not_there_already(heading: str, repository: Path):
    found = example(heading)
    assert len(found.code.splitlines()) < LINES
    assert not (repository / found.path).exists()
    assert not found.registry or not found.member.keys() & getattr(extensions, found.registry).keys()


def test_the_table_has_a_row_for_every_example():
    rows = re.findall(r"^\| \[.*?\]\(#(.*?)\)", PAGE.read_text(), re.MULTILINE)
    assert rows == [heading.lower().replace(" ", "-").replace("'", "") for heading in HEADINGS]


def test_a_loss_teaches_a_student(added, workspace):
    use(workspace, added("A loss").settings)
    run(workspace, "index-datasets", "extract-teachers", "train-student")
    module = importlib.import_module("student.losses.total_variation")
    logits, target = torch.zeros(1, 1, 4), torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    assert module.total_variation((logits,), (target,)).tolist() == [[0.75]]


def test_a_weighting_deals_out_teachers(added, workspace):
    use(workspace, added("A weighting").settings)
    run(workspace, "index-datasets", "extract-teachers", "train-student")


def test_a_name_of_an_added_part_is_among_the_choices(added, workspace):
    added("A loss")
    use(workspace, {"distill": {"loss": "total_variatoin"}})
    message = refused(workspace, "index-datasets")
    assert "'kl', 'mse', 'peak_mse' or 'total_variation'" in message.replace("\n", " ")
    assert "Did you mean 'total_variation'?" in message.replace("\n", " ")


def test_a_dataset_format_is_indexed(added, workspace):
    people = json.loads((workspace / "people.json").read_text())
    files = {image["id"]: image["file_name"] for image in people["images"]}
    rows = []
    for person in people["annotations"]:
        joints_K3 = np.reshape(person["keypoints"], (-1, 3))
        joints_K3[:, 2] = 1
        rows.append([files[person["image_id"]], *joints_K3.ravel().tolist()])
    (workspace / "people.csv").write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
    use(workspace, added("A dataset format").settings)
    assert "3 crops of 3 images" in kd(workspace, "index-datasets")


def test_a_metric_is_in_details(added, workspace):
    added("A metric")
    use(workspace, {})
    run(workspace, "index-datasets", "extract-teachers", "train-student", "evaluate")
    details = json.loads((workspace / "evaluation/details.json").read_text())["street-train"]
    assert all(0 <= details[model]["box_share"] <= 1 for model in ("student", "lamp"))


def test_an_adapters_teacher_answers_as_the_same_network_does_in_onnx(added, workspace):
    settings = added("A teacher adapter").settings
    weights = onnx.numpy_helper.to_array(
        onnx.load(workspace / "teachers/lamp/lamp.onnx").graph.initializer[0]
    ).copy()
    network = torch.nn.Conv2d(3, len(weights), 4, 4, bias=False)
    network.weight.data = torch.from_numpy(weights)
    torch.jit.script(network).save(workspace / "lamp.pt")
    sidecar = yaml.safe_load((workspace / "teachers/lamp/lamp.yaml").read_text())
    (workspace / "lamp.yaml").write_text(
        yaml.safe_dump(sidecar | {"sha256": sha256_of(workspace / "lamp.pt")})
    )
    use(workspace, settings | {"cells": {"teachers": ["lamp", "scripted"]}})
    run(workspace, "index-datasets", "extract-teachers", "train-student")
    lamp, scripted = (
        open_store(workspace / f"stores/{name}/street-train.zarr").attributes for name in ("lamp", "scripted")
    )
    assert scripted["provenance"]["teacher"]["adapter"] == "torchscript"
    assert scripted["convention"] == lamp["convention"]


def test_a_convention_joins_the_skeleton(workspace):
    found = example("A convention")
    (workspace / found.path).parent.mkdir()
    (workspace / found.path).write_text(found.code)
    use(workspace, found.settings)
    assert "head_top" in kd(workspace, "skeleton", "show")
    assert load_convention(found.path, workspace).joints == ("left_wrist", "right_wrist", "crown")


def test_a_command_is_run(workspace, tmp_path, added):
    """In a process of its own: the command line is put together on import."""
    found = added("A command")
    use(workspace, {})
    run(workspace, "index-datasets")
    code = (
        "import stages.commands as package; from pipeline.extensions import COMMANDS; "
        f"package.__path__.append({str((tmp_path / 'added' / found.path).parent)!r}); "
        f"COMMANDS.members.update({found.member!r}); from stages.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "count-crops", "--workspace", str(workspace)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "street-train: 3\n"


def test_a_backbone_learns_and_is_saved_and_loaded(added, workspace):
    use(workspace, {})
    params = yaml.safe_load((workspace / "params.yaml").read_text())
    use(workspace, added("A backbone").settings | {"train": params["train"] | {"batch_size": 3}})
    run(workspace, "index-datasets", "extract-teachers", "train-student", "evaluate")
    assert json.loads((workspace / "runs/student/student.json").read_text())["backbone"] == "plain"
