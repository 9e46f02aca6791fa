"""Evaluate a workspace: its student, other students and teachers, on every split of `evaluate.datasets`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pipeline.conventions.convention import Convention
from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import UnionSkeleton
from pipeline.datasets.crop_table import CropTable
from pipeline.device import resolve_device
from pipeline.errors import KDError
from pipeline.workspace import Workspace
from pipeline.workspace_crops import crops_of, people_of
from pipeline.workspace_union import workspace_union
from student.data.loader import worker_count
from student.evaluation.figures.person_panels import LABELS
from student.evaluation.figures.side_by_side import SHEET
from student.evaluation.model_results import ModelResult, student_result, teacher_result
from student.evaluation.pck_view import MEAN
from student.evaluation.report import EvaluationReport
from student.evaluation.scores import evaluate_predictions
from student.evaluation.split_evaluation import SplitEvaluation
from student.inference.crop_inference import Predictor
from student.network.saved import CONFIG, load_student
from student.training.baselines import baseline_folders

STUDENT = "student"
"""The student's name beside the others' and the teachers'."""

OnRefused = Callable[[str, str, KDError], object]
"""Called with a teacher and a dataset whose store cannot be used, and the reason."""


def evaluate_workspace(
    workspace: Workspace, progress: Callable[[int, int], None] | None = None, with_teachers: bool = True
) -> EvaluationReport:
    """Evaluate (`score_workspace`), and write `evaluation/` of the workspace once every number is there.

    Raises:
        KDError: as `score_workspace`, or the folder cannot be written.
    """
    report = score_workspace(workspace, progress, with_teachers)
    report.write(workspace.evaluation, workspace.params.evaluate.overlays)
    return report


def score_workspace(
    workspace: Workspace, progress: Callable[[int, int], None] | None = None, with_teachers: bool = True
) -> EvaluationReport:
    """Every model on every split of `evaluate.datasets`; nothing is written.

    A teacher without a store for a split, or a split without labels, has no numbers there and is no error.
    `progress` gets the crops done and their total. Without teachers, only students are evaluated.

    Raises:
        KDError: no student or crop table yet, a folder of `evaluate.students` without a student, a store that
            is incomplete or stale, two models of one name, or a dataset called `mean`.
    """
    _check_names(workspace)
    tables = {name: crops_of(workspace, name) for name in workspace.params.evaluate.datasets}
    students = _predictors(workspace)
    teachers = workspace.params.cells.teachers if with_teachers else ()
    done, total = 0, sum(map(len, tables.values()))
    splits = {}
    for name, table in tables.items():
        splits[name] = _evaluate_split(workspace, students, table, teachers)
        done += len(table)
        if progress is not None:
            progress(done, total)
    return EvaluationReport(tuple(students), tuple(teachers), splits)


def evaluate_teachers(
    workspace: Workspace, folder: Path, overlays: int, on_refused: OnRefused | None = None
) -> EvaluationReport:
    """Evaluate teachers by their stored answers, without a student, and write that to `folder`, with so many
    pictures. No network runs. Splits that no teacher has answered are left out.

    A store that is incomplete or stale, or that there is none at all, is an error, unless `on_refused` is
    given: it gets the unusable stores, and teachers have no numbers there.

    Raises:
        KDError: as `evaluate_workspace`, but for the student.
    """
    _check_names(workspace)
    teachers, union = workspace.params.cells.teachers, workspace_union(workspace)
    splits = {}
    for name in workspace.params.evaluate.datasets:
        table, convention = crops_of(workspace, name), _convention(workspace, name, union)
        results = _teacher_results(workspace, table, convention, teachers, on_refused)
        if results:
            splits[name] = _scored(workspace, table, convention, results)
    if not splits and on_refused is None:
        raise _nothing_to_score(workspace)
    report = EvaluationReport((), teachers, splits)
    report.write(folder, overlays)
    return report


def _nothing_to_score(workspace: Workspace) -> KDError:
    cells, evaluated = workspace.params.cells, workspace.params.evaluate.datasets
    extracted = [name for name in evaluated if name in cells.datasets]
    command = f"kd-pipeline extract-teachers --dataset {(extracted or evaluated)[0]}"
    return KDError(
        f"no teacher of cells.teachers ({', '.join(cells.teachers)}) has a store for a dataset of "
        f"evaluate.datasets ({', '.join(evaluated)}), so there is nothing to score. "
        + (f"Extract: {command}" if extracted else f"Add one to cells.datasets, then extract: {command}")
    )


def _check_names(workspace: Workspace) -> None:
    teachers, evaluate = workspace.params.cells.teachers, workspace.params.evaluate
    if STUDENT in teachers:
        raise KDError(
            f"a teacher is called {STUDENT!r}, which is the student's name in every table and file of an "
            "evaluation. Give the teacher another name in params.yaml."
        )
    taken = {STUDENT: "the student's", LABELS: "the annotations'"} | dict.fromkeys(teachers, "a teacher's")
    for place, names in (
        ("train.baselines", workspace.params.train.baselines),
        ("evaluate.students", evaluate.students),
    ):
        for name in names:
            if name in taken:
                raise KDError(
                    f"{place} calls a student {name!r}, which is {taken[name]} name in every table and "
                    "picture of an evaluation. Give the other student a name of its own in params.yaml."
                )
            taken[name] = "a baseline's"
    reserved = {
        MEAN: "the name of the mean over datasets in the table and in details.json",
        Path(SHEET).stem: f"the name of the picture {SHEET} of all datasets",
    }
    for name in evaluate.datasets:
        if name in reserved:
            raise KDError(
                f"a dataset is called {name!r}, which is {reserved[name]}. Give the dataset another name in "
                "params.yaml."
            )


def _predictors(workspace: Workspace) -> dict[str, Predictor]:
    """The student, its baselines and those of `evaluate.students`, by name."""
    device, flip_test = resolve_device(workspace.params.runtime.device), workspace.params.evaluate.flip_test
    if not (workspace.run / CONFIG).is_file():
        raise KDError(
            f"there is no student at {workspace.run}. Train: kd-pipeline train-student. To score teachers "
            "before: kd-pipeline evaluate --teachers-only"
        )
    students = {STUDENT: load_student(workspace.run, device)}
    for name, folder in baseline_folders(workspace).items():
        students[name] = load_student(folder, device)
    for name, folder in workspace.params.evaluate.students.items():
        try:
            _check_student(workspace.path(folder))
            students[name] = load_student(workspace.path(folder), device)
        except KDError as error:
            raise KDError(f"evaluate.students, {name}: {error}") from None
    return {name: Predictor(student, device, flip_test) for name, student in students.items()}


def _check_student(folder: Path) -> None:
    """`load_student` would name the command that writes to runs/student, and this is another folder."""
    if not (folder / CONFIG).is_file():
        raise KDError(
            f"there is no student at {folder} ({CONFIG} is missing). Train one (kd-pipeline train-student) "
            "and copy runs/student there, or name the student of a run of an ablation: "
            "ablations/<name>/<arm>/seed<k>/runs/student"
        )


def _evaluate_split(
    workspace: Workspace,
    students: Mapping[str, Predictor],
    table: CropTable,
    teachers: Sequence[str],
) -> SplitEvaluation:
    convention = _convention(workspace, table.dataset, students[STUDENT].student.config.skeleton)
    results = {
        name: _student_result(workspace, predictor, table, convention) for name, predictor in students.items()
    }
    results |= _teacher_results(workspace, table, convention, teachers)
    return _scored(workspace, table, convention, results)


def _convention(workspace: Workspace, dataset: str, union: UnionSkeleton) -> Convention:
    """The dataset's own; the union's where it has none, as no person in it is labelled and scored."""
    name = workspace.dataset(dataset).convention
    return union.as_convention() if name is None else load_convention(name, workspace.root)


def _scored(
    workspace: Workspace, table: CropTable, convention: Convention, results: Mapping[str, ModelResult]
) -> SplitEvaluation:
    people = people_of(workspace, table.dataset)
    scores = {}
    if people is not None and people.labelled.any():
        scores = {
            model: evaluate_predictions(table, convention, result.predictions, people)
            for model, result in results.items()
        }
    return SplitEvaluation(table, convention, results, scores)


def _student_result(
    workspace: Workspace, predictor: Predictor, table: CropTable, convention: Convention
) -> ModelResult:
    runtime = workspace.params.runtime
    workers = worker_count(runtime.workers, predictor.device)
    return student_result(predictor, table, convention, runtime.batch_size, workers)


def _teacher_results(
    workspace: Workspace,
    table: CropTable,
    convention: Convention,
    teachers: Sequence[str],
    on_refused: OnRefused | None = None,
) -> dict[str, ModelResult]:
    """Of those that have a store for the table's dataset; one that cannot be used is an error, unless
    `on_refused` takes it."""
    asked, results = workspace.params.teachers_of(table.dataset), {}
    for teacher in (name for name in teachers if name in asked):
        try:
            result = teacher_result(workspace, teacher, table, convention)
        except KDError as error:
            if on_refused is None:
                raise
            on_refused(teacher, table.dataset, error)
            continue
        if result is not None:
            results[teacher] = result
    return results
