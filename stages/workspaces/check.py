"""Which files that a workspace's params.yaml names are missing."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.params import PACKAGED_WEIGHTS
from pipeline.workspace import Workspace
from stages.workspaces.dvc_file import named_files


@dataclass(frozen=True)
class MissingFile:
    """`path` is where the file goes; `what` says which file it is."""

    path: Path
    what: str


def missing_files(root: Path) -> list[MissingFile]:
    """Every absent input of the workspace at `root`; what a stage makes itself does not count.

    Raises:
        KDError: there is no workspace, or its params.yaml is wrong.
    """
    workspace = Workspace.open(root)
    files = (
        *_dataset_files(workspace),
        *_teacher_files(workspace),
        *_first_weights(workspace),
        *_other_files(workspace),
    )
    wanted: dict[Path, MissingFile] = {}
    for file in files:
        wanted.setdefault(file.path, file)
    missing = [file for path, file in wanted.items() if not path.exists()]
    made = _made_by_dvc(workspace) if missing else set()
    absent = {file.path for file in missing}
    return [
        file
        for file in missing
        if absent.isdisjoint(file.path.parents) and not _is_within(file.path.resolve(), made)
    ]


def summary(missing: list[MissingFile], sections: list[str], root: Path) -> str:
    """`sections` are those of `missing_sections`."""
    lines = [
        f"{root / 'params.yaml'} has no section {name}, which dvc.yaml depends on. Add a line: {name}: {{}}"
        for name in sections
    ]
    if missing:
        lines.append(f"{len(missing)} inputs are missing. Put each where it says:")
        lines += [f"  {file.path}\n      {file.what}" for file in missing]
    return "\n".join(lines) or f"Every input is there. Next: cd {root} && dvc repro"


def _dataset_files(workspace: Workspace) -> list[MissingFile]:
    files = []
    for name, dataset in workspace.params.datasets.items():
        files.append(MissingFile(workspace.path(dataset.images), f"the folder of images of {name}"))
        files.append(
            MissingFile(
                workspace.path(dataset.annotations), f"annotations of {name}, format {dataset.format}"
            )
        )
        if dataset.boxes:
            files.append(MissingFile(workspace.path(dataset.boxes), f"detection results (JSON) for {name}"))
    return files


def _teacher_files(workspace: Workspace) -> list[MissingFile]:
    files = []
    for name, teacher in workspace.params.teachers.items():
        origin = (
            f"; MMPose's model zoo has it beside {teacher.config}"
            if teacher.config.startswith("mmpose::")
            else ""
        )
        files.append(
            MissingFile(workspace.path(teacher.checkpoint), f"checkpoint of the teacher {name}{origin}")
        )
        if not teacher.config.startswith("mmpose::"):
            files.append(MissingFile(workspace.path(teacher.config), f"config of the teacher {name}"))
    return files


def _first_weights(workspace: Workspace) -> list[MissingFile]:
    init = workspace.params.student.init
    meanings = {
        init.rtmpose: "the RTMPose checkpoint that the student starts from",
        init.simple_baseline: "the MMPose checkpoint that the student starts from",
        init.backbone: "the weights that the student's backbone starts from",
        init.student: "the folder of the student that the student starts from",
    }
    return [
        MissingFile(workspace.path(path), what)
        for path, what in meanings.items()
        if path not in (None, PACKAGED_WEIGHTS)
    ]


def _other_files(workspace: Workspace) -> list[MissingFile]:
    return [
        MissingFile(workspace.path(path), "a file that params.yaml names")
        for paths in named_files(workspace).values()
        for path in paths
    ]


def _made_by_dvc(workspace: Workspace) -> set[Path]:
    """What the workspace's own DVC stages write, such as rendered datasets; nothing where DVC cannot read
    them."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from scmrepo.exceptions import SCMError

    try:
        with Repo(str(workspace.root)) as repo:
            return {Path(out.fs_path) for out in repo.index.outs}
    except (DvcException, SCMError):  # no repository, no git, a wrong dvc.yaml: `dvc repro` says which
        return set()


def _is_within(path: Path, folders: set[Path]) -> bool:
    return not folders.isdisjoint({path, *path.parents})
