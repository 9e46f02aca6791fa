"""A run's folder: what belongs to it, and whether the run there is finished.

params.yaml       every setting of the run, resolved; written first
runs/student/     the student, its checkpoint and its log
evaluation/       its numbers and predictions
log.txt           what the run's process printed
run.json          written last
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import KDError
from pipeline.files.atomic import make_folder, write_atomically
from pipeline.files.yaml_file import load_yaml
from pipeline.params import Params, parse_params
from pipeline.workspace import Workspace
from student.ablation.ablation import Run
from student.ablation.runs.run_record import read_record
from student.training.checkpoint import changes
from student.training.training_run import BESIDE_THE_STUDENT, IDENTITY_SECTIONS

PARAMS = "params.yaml"
LOG = "log.txt"
_HEADER = "# One run's params, written by kd-pipeline ablate. Paths in it start at the workspace.\n"
COMPARED_SECTIONS = (*IDENTITY_SECTIONS, "evaluate")


@dataclass(frozen=True)
class RunState:
    """`finished`, or what is left to do; `changes` are those since the run was last started."""

    finished: bool
    started: bool
    changes: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.changes:
            return f"to run again ({'; '.join(self.changes)})"
        return "finished" if self.finished else "to resume" if self.started else "to run"


def state_of(run: Run, data: Mapping[str, Any] | None) -> RunState:
    """How far the run is. `data` is its data identity now; None: data are not compared.

    Raises:
        KDError: the folder holds files of something else.
    """
    _check_ours(run.folder)
    before = _recorded_params(run.folder)
    if before is None:
        return RunState(finished=False, started=False)
    changed = changes(_compared(before), _compared(run.workspace.params))
    record = read_record(run.folder, run.arm, run.seed)
    if record is not None and data is not None:
        changed += changes(record.data, dict(data))
    return RunState(record is not None and not changed, True, tuple(changed))


def start_folder(run: Run) -> None:
    """Make the folder and write params.yaml; whatever was trained there stays, for training to resume from.

    Raises:
        KDError: it cannot be written.
    """
    text = yaml.safe_dump(run.workspace.params.model_dump(mode="json"), sort_keys=False)
    write_atomically(make_folder(run.folder) / PARAMS, _HEADER + text)


def open_run(root: Path, folder: Path) -> Run:
    """The run that `start_folder` wrote to `folder`, on the workspace `root`.

    Raises:
        KDError: `folder` is none.
    """
    params = _recorded_params(folder)
    if params is None:
        raise KDError(f"{folder} is no run's folder. Runs are started by: kd-pipeline ablate FILE")
    return Run(folder.parent.name, params.train.seed, Workspace(root, params, output=folder))


def _check_ours(folder: Path) -> None:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    params = folder / PARAMS
    if not params.is_file() or not params.read_text(encoding="utf-8", errors="replace").startswith(_HEADER):
        raise KDError(
            f"{folder} holds something that kd-pipeline ablate did not make, and would be written over. Move "
            "it away, or give the ablation or the arm another name."
        )


def _recorded_params(folder: Path) -> Params | None:
    try:
        return parse_params(load_yaml(folder / PARAMS), PARAMS)
    except KDError:
        return None


def _compared(params: Params) -> dict[str, Any]:
    values = params.model_dump(mode="json", exclude={"train": BESIDE_THE_STUDENT})
    return {name: values[name] for name in COMPARED_SECTIONS}
