"""Runs that an earlier version evaluated: what their evaluation lacks is made from what it left."""

from pipeline.conventions.registry import load_convention
from pipeline.errors import KDError
from pipeline.workspace_crops import crops_of
from student.ablation.ablation import Run
from student.ablation.runs.result_seal import check_results, seal_results
from student.evaluation.evaluate import STUDENT
from student.evaluation.per_person import FILE_NAME, PersonVerdicts, write_per_person
from student.evaluation.predictions import read_predictions
from student.evaluation.scores import pck_of


def complete_evaluation(run: Run) -> None:
    """Write per_person.npz of a finished run from its saved predictions, where it is not there.

    Nothing is trained and no network runs. The run is to be evaluated on the labels that the workspace has
    now. Where its predictions are gone, or are of other crops, nothing is written.
    """
    path = run.workspace.evaluation / FILE_NAME
    if path.exists():
        return
    try:
        check_results(run.workspace.evaluation, but=(FILE_NAME,))
        verdicts = {
            name: {STUDENT: _verdicts(run, name)}
            for name in run.workspace.params.evaluate.datasets
            if run.workspace.dataset(name).has_labels
        }
    except KDError:  # the table says which runs have no interval
        return
    write_per_person(path, verdicts)
    seal_results(run.workspace.evaluation)


def _verdicts(run: Run, dataset: str) -> PersonVerdicts:
    params = run.workspace.dataset(dataset)
    table = crops_of(run.workspace, dataset)
    convention = load_convention(params.convention, run.workspace.root)
    saved = read_predictions(run.workspace.evaluation / "predictions" / dataset / f"{STUDENT}.json")
    torso, head = pck_of(table, convention, saved.in_order_of(table))
    return PersonVerdicts.from_pck(table.crop_id, convention, torso, head)
