"""Evaluate a workspace: its student and teachers, on every dataset split that `evaluate.datasets` names."""

from collections.abc import Callable, Sequence

from pipeline.conventions.convention import Convention
from pipeline.conventions.registry import load_convention
from pipeline.datasets.crop_table import CropTable, read_crop_table
from pipeline.errors import KDError
from pipeline.teachers.device import resolve_device
from pipeline.workspace import Workspace
from student.evaluation.answers import Answer, student_answer, teacher_answer
from student.evaluation.report import EvaluationReport, SplitEvaluation
from student.evaluation.scores import evaluate_predictions
from student.inference import Predictor
from student.loader import worker_count
from student.saved import load_student

STUDENT = "student"
"""The student's name beside the teachers'."""


def evaluate_workspace(
    workspace: Workspace, progress: Callable[[int, int], None] | None = None, with_teachers: bool = True
) -> EvaluationReport:
    """Evaluate, and write `evaluation/` of the workspace once every number is there.

    A teacher without a store for a split, or a split without labels, has no numbers there and is no error.
    `progress` hears of crops done and their total. Without teachers, only the student is evaluated.

    Raises:
        KDError: no student or crop table yet, a store that is incomplete or stale, a teacher called
            `student`, or a folder that cannot be written.
    """
    _check_names(workspace)
    tables = {name: _crop_table(workspace, name) for name in workspace.params.evaluate.datasets}
    predictor = _predictor(workspace)
    teachers = workspace.params.cells.teachers if with_teachers else ()
    done, total = 0, sum(map(len, tables.values()))
    splits = {}
    for name, table in tables.items():
        splits[name] = _evaluate_split(workspace, predictor, table, teachers)
        done += len(table)
        if progress is not None:
            progress(done, total)
    report = EvaluationReport((STUDENT, *teachers), splits)
    report.write(workspace.evaluation, workspace.params.evaluate.overlays)
    return report


def _check_names(workspace: Workspace) -> None:
    if STUDENT in workspace.params.cells.teachers:
        raise KDError(
            f"a teacher is called {STUDENT!r}, which is the student's name in every table and file of an "
            "evaluation. Give the teacher another name in params.yaml."
        )


def _crop_table(workspace: Workspace, name: str) -> CropTable:
    return read_crop_table(workspace.crops(name), workspace.path(workspace.dataset(name).images))


def _predictor(workspace: Workspace) -> Predictor:
    device = resolve_device(workspace.params.runtime.device)
    return Predictor(load_student(workspace.run, device), device, workspace.params.evaluate.flip_test)


def _evaluate_split(
    workspace: Workspace, predictor: Predictor, table: CropTable, teachers: Sequence[str]
) -> SplitEvaluation:
    convention = _convention(workspace, predictor, table.dataset)
    answers = _answers(workspace, predictor, table, convention, teachers)
    people = _people(workspace, table.dataset)
    scores = {}
    if people is not None and people.labelled.any():
        scores = {
            model: evaluate_predictions(table, convention, answer.predictions, people)
            for model, answer in answers.items()
        }
    return SplitEvaluation(table, convention, answers, scores)


def _convention(workspace: Workspace, predictor: Predictor, dataset: str) -> Convention:
    """The dataset's own; the student's where it has none, as there is nobody labelled in it to be scored."""
    name = workspace.dataset(dataset).convention
    if name is None:
        return predictor.student.config.skeleton.as_convention()
    return load_convention(name, workspace.root)


def _answers(
    workspace: Workspace,
    predictor: Predictor,
    table: CropTable,
    convention: Convention,
    teachers: Sequence[str],
) -> dict[str, Answer]:
    runtime = workspace.params.runtime
    workers = worker_count(runtime.workers, predictor.device)
    answers = {STUDENT: student_answer(predictor, table, convention, runtime.batch_size, workers)}
    asked = workspace.params.teachers_of(table.dataset)
    for teacher in (name for name in teachers if name in asked):
        answer = teacher_answer(workspace, teacher, table, convention)
        if answer is not None:
            answers[teacher] = answer
    return answers


def _people(workspace: Workspace, name: str) -> CropTable | None:
    """Everyone the annotations know, also whom AP ignores or detections miss; None without annotations."""
    params = workspace.dataset(name)
    if params.format == "images":
        return None
    return read_crop_table(workspace.people(name), workspace.path(params.images))
