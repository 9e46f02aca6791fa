"""Students to compare the student with, trained with some of its settings changed (`train.baselines`)."""

import shutil
from dataclasses import replace
from pathlib import Path

from pipeline.files.atomic import make_folder
from pipeline.files.yaml_file import load_yaml
from pipeline.workspace import Workspace, is_behind_link
from student.ablation.arm import arm_params
from student.network.saved import CONFIG

FOLDER = "baselines"
"""Of all baselines, in `runs/`."""


def baseline_workspaces(workspace: Workspace) -> dict[str, Workspace]:
    """By name, the workspace as each baseline is trained in it; their students go to `baseline_folders`.

    Raises:
        KDError: a baseline changes a setting that there is not, that has not such a value, or that is not one
            of the training's.
    """
    source = workspace.path("params.yaml")
    baselines = workspace.params.train.baselines
    if not baselines:
        return {}
    values = load_yaml(source)
    found = {}
    for name, overrides in baselines.items():
        params = arm_params(values, overrides, f"{source}, train.baselines, {name}")
        found[name] = replace(workspace, params=params, student=f"{FOLDER}/{name}")
    return found


def make_baselines_folder(workspace: Workspace) -> None:
    """The folder of all baselines, without those of students that are no longer asked for. What lies behind a
    link stays.

    Raises:
        KDError: it cannot be written.
    """
    root = workspace.output or workspace.root
    folder = make_folder(root / "runs" / FOLDER)
    for student in folder.iterdir():
        asked_for = student.name in workspace.params.train.baselines
        if not asked_for and (student / CONFIG).is_file() and not is_behind_link(student, root):
            shutil.rmtree(student)


def baseline_folders(workspace: Workspace) -> dict[str, Path]:
    """By name, where each baseline's student lies."""
    return {
        name: replace(workspace, student=f"{FOLDER}/{name}").run for name in workspace.params.train.baselines
    }
