"""What a run depends on besides its params: the labels, the stores and the skeleton, by their hashes."""

import json
from collections.abc import Iterable
from typing import Any

from pipeline.conventions.registry import meanings_of
from pipeline.errors import KDError
from pipeline.workspace import Workspace
from pipeline.workspace_crops import crops_of, people_of
from student.ablation.ablation import Run
from student.data.training_data import open_training_data
from student.training.checkpoint import MEANINGS


def data_identity(workspace: Workspace) -> dict[str, Any]:
    """As it reads back from JSON. Opens all that training and evaluation will, so it finds what is missing.

    Raises:
        KDError: a crop table or store is missing, incomplete or stale; a teacher or dataset teaches nothing.
    """
    training_data = open_training_data(workspace)
    identity = {
        "joints": list(training_data.student.skeleton.joints),
        "train": training_data.identity,
        "evaluate": {name: _labels(workspace, name) for name in workspace.params.evaluate.datasets},
        MEANINGS: meanings_of(
            [workspace.dataset(name).convention for name in workspace.params.evaluate.datasets],
            workspace.root,
        ),
    }
    return json.loads(json.dumps(identity))


def identities(runs: Iterable[Run]) -> dict[str, dict[str, Any]]:
    """By arm: runs of one arm differ in the seed alone.

    Raises:
        KDError: as `data_identity`, with the arm's name.
    """
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        if run.arm not in found:
            try:
                found[run.arm] = data_identity(run.workspace)
            except KDError as error:
                raise KDError(f"arm {run.arm}: {error}") from None
    return found


def _labels(workspace: Workspace, dataset: str) -> list[str]:
    """Of the crops, and of everyone annotated where the dataset has annotations."""
    tables = [crops_of(workspace, dataset), people_of(workspace, dataset)]
    return [table.labels_sha256 for table in tables if table is not None]
