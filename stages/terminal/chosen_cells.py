"""Which of the cells in params.yaml a command works on."""

from collections.abc import Mapping, Sequence

from pipeline.errors import KDError
from pipeline.workspace import Workspace


def chosen_cells(
    workspace: Workspace, teachers: Sequence[str], datasets: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """By teacher, its datasets: those that were named on the command line, else all of the workspace's.

    A name need not stand in `cells`, but a teacher's own list of datasets holds for named ones too.

    Raises:
        KDError: there is no such teacher or dataset, or one that was named has no cell.
    """
    for name in datasets:
        workspace.dataset(name)
    found = {
        name: _datasets(workspace, name, datasets) for name in teachers or workspace.params.cells.teachers
    }
    _check_all_have_a_cell(workspace, teachers, datasets, found)
    return {name: of_teacher for name, of_teacher in found.items() if of_teacher}


def _datasets(workspace: Workspace, teacher: str, named: Sequence[str]) -> tuple[str, ...]:
    own = workspace.teacher(teacher).datasets
    if not named:
        return workspace.params.datasets_of(teacher)
    return tuple(name for name in dict.fromkeys(named) if own is None or name in own)


def _check_all_have_a_cell(
    workspace: Workspace,
    teachers: Sequence[str],
    datasets: Sequence[str],
    found: Mapping[str, tuple[str, ...]],
) -> None:
    for name in teachers:
        if not found[name]:
            own = workspace.teacher(name).datasets
            raise KDError(
                f"teacher {name} is run over {', '.join(own)} only, but {', '.join(datasets)} was asked for. "
                f"Name one of those, or extend the list teachers.{name}.datasets in params.yaml."
            )
    for name in datasets:
        if not any(name in of_teacher for of_teacher in found.values()):
            raise KDError(
                f"no teacher of {', '.join(found)} is run over dataset {name}: their own lists of datasets "
                "leave it out. Name another dataset, or add it to one of the lists "
                "(teachers.<name>.datasets in params.yaml)."
            )
