"""What makes an evaluation's numbers misleading."""

from collections.abc import Iterator

from pipeline.errors import KDError
from pipeline.workspace import Workspace
from pipeline.workspace_crops import crops_of
from student.network.saved import trained_with
from student.training.training_run import settings_sha256


def evaluation_doubts(workspace: Workspace) -> Iterator[str]:
    """Warnings about a workspace that has just been evaluated, a sentence or two each."""
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
            "and the numbers are that student's. Train it again: kd-pipeline train-student"
        )
    yield from shared_pictures(workspace)


def shared_pictures(workspace: Workspace) -> Iterator[str]:
    """Of every dataset that is evaluated on and has pictures that are trained on, by their contents. Datasets
    whose crop table is missing or cannot be used are left out: who needs them says so."""
    params = workspace.params
    trained = {name: _pictures(workspace, name) for name in dict.fromkeys(params.train.datasets)}
    for name in params.evaluate.datasets:
        pictures = _pictures(workspace, name)
        shared = {other: len(pictures & of_other) for other, of_other in trained.items()}
        among = {other: count for other, count in shared.items() if count}
        if among:
            counts = ", ".join(f"{count} in {other}" for other, count in among.items())
            yield (
                f"of {len(pictures)} pictures of {name}, which is evaluated on, some are trained on "
                f"({counts}): its numbers are not those of pictures that the student has not seen."
            )


def _pictures(workspace: Workspace, dataset: str) -> set[str]:
    """Hashes of a dataset's pictures."""
    try:
        return set(crops_of(workspace, dataset).image_sha256)
    except KDError:
        return set()
