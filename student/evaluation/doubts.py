"""What an evaluation was asked for and could not do, though it has numbers."""

from collections.abc import Iterator

from pipeline.workspace import Workspace
from student.run import settings_sha256
from student.saved import trained_with


def evaluation_doubts(workspace: Workspace) -> Iterator[str]:
    """Of a workspace that has just been evaluated, a sentence or two each."""
    params = workspace.params
    absent = [
        f"{teacher} on {dataset}"
        for dataset in params.evaluate.datasets
        for teacher in params.teachers_of(dataset)
        if teacher in params.cells.teachers and not workspace.store(teacher, dataset).exists()
    ]
    if absent:
        yield (
            f"there is no store, and so no number, of {', '.join(absent)}, though cells names them. Extract: "
            "kd-pipeline extract-teachers"
        )
    before, now = trained_with(workspace.run), settings_sha256(params)
    changed = [name for name, sha256 in before.items() if now.get(name) != sha256]
    if changed:
        yield (
            f"the student in {workspace.run} was trained before {', '.join(changed)} in params.yaml changed, "
            "and the numbers are that student's. Train it anew: kd-pipeline train-student"
        )
