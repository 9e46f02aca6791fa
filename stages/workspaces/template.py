"""Workspaces made from templates."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import KDError
from pipeline.files.atomic import cannot_write, make_folder, write_atomically

TEMPLATES = ("quickstart", "coco-mpii", "real-sample", "adapt")
NEEDS_DATA = ("real-sample",)
"""Without --data these templates are empty; for the others the user adds files of their own."""
PACKAGED = Path(__file__).resolve().parents[1] / "templates"
LINKS = "links.yaml"
"""Of a template: where the files of --data go."""
REPOSITORY = Path(__file__).resolve().parents[2]

GITIGNORE = """# what `dvc repro` makes here
/crops/
/stores/
/runs/
/evaluation/
# and `kd-pipeline ablate`
/ablations/
"""
# The quickstart's data is DVC's own output, which DVC ignores itself; its teachers are small enough for git.
GITIGNORE_BROUGHT_ALONG = """# what it reads
/data/
/teachers/**/*.pth
/teachers/**/*.onnx
"""

DVCIGNORE = """.venv
runs/student/checkpoints
runs/baselines/*/checkpoints
"""


def write_workspace(folder: Path, template: str, data: Path | None) -> None:
    """Write params.yaml, dvc.yaml and what the template brings along; initialise git and DVC.

    Raises:
        KDError: there is a workspace already; `data` is missing, or lacks a file the template links to; there
            is no git.
    """
    from pipeline.workspace import Workspace
    from stages.workspaces.dvc_file import watch_named_files

    if (folder / "params.yaml").exists():
        raise KDError(
            f"{folder} holds a workspace already (params.yaml). Choose another folder, or see what it lacks: "
            f"kd-pipeline init {folder} --check"
        )
    if shutil.which("git") is None:
        raise KDError(
            "git is not to be found, and DVC keeps a workspace in a git repository. Install git, or put it "
            "on PATH, and run the same command again. Nothing was written."
        )
    links = _links(template, data)
    with _all_or_nothing(folder):
        _copy_template(template, make_folder(folder))
        for place, target in links.items():
            _link(folder / place, target)
        ignored = GITIGNORE if template == "quickstart" else GITIGNORE + GITIGNORE_BROUGHT_ALONG
        write_atomically(folder / ".gitignore", ignored)
        watch_named_files(Workspace.open(folder))
        _initialise(folder)


@contextmanager
def _all_or_nothing(folder: Path) -> Iterator[None]:
    """Where the body fails, what it has put into `folder` is removed: half a workspace would block a whole
    one."""
    existed = folder.is_dir()
    before = set(folder.iterdir()) if existed else set()
    try:
        yield
    except (KDError, OSError) as error:
        for path in set(folder.iterdir()) - before if folder.is_dir() else ():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        if not existed and folder.is_dir():
            folder.rmdir()
        if isinstance(error, KDError):
            raise
        raise cannot_write(folder, error) from None


def _links(template: str, data: Path | None) -> dict[str, Path]:
    from pipeline.files.yaml_file import load_yaml

    listing = PACKAGED / template / LINKS
    if not listing.is_file():
        return {}
    if data is None:
        if template not in NEEDS_DATA:
            return {}
        raise KDError(f"the template {template} reads its data from a folder of yours. Name it: --data DIR")
    links = {place: (data / target).resolve() for place, target in load_yaml(listing).items()}
    missing = [str(target) for target in links.values() if not target.exists()]
    if missing:
        raise KDError(
            f"{data} is not the data of the template {template}: there is no {missing[0]}"
            + (f" (and {len(missing) - 1} more)" if len(missing) > 1 else "")
            + ". Name the folder that holds them with --data."
        )
    return links


def _copy_template(template: str, folder: Path) -> None:
    _copy(_first(PACKAGED / "dvc.yaml", REPOSITORY / "dvc.yaml"), folder / "dvc.yaml")
    if template != "quickstart":
        for file in (PACKAGED / template).glob("*.yaml"):
            if file.name != LINKS:
                _copy(file, folder / file.name)
        return
    # The repository's root is the quickstart workspace; an installed package carries a copy of it.
    source = _first(PACKAGED / "quickstart", REPOSITORY)
    for name in ("params.yaml", "ablation.yaml"):
        _copy(source / name, folder / name)
    _copy(source / "data" / "dvc.yaml", folder / "data" / "dvc.yaml")
    for file in sorted((source / "teachers").rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            _copy(file, folder / file.relative_to(source))


def _copy(source: Path, to: Path) -> None:
    write_atomically(to, source.read_bytes())


def _first(*places: Path) -> Path:
    return next(place for place in places if place.exists())


def _link(place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target, target_is_directory=target.is_dir())


def _initialise(folder: Path) -> None:
    """git and DVC, with one commit: `dvc exp run` needs a commit to start from."""
    write_atomically(folder / ".dvcignore", DVCIGNORE)
    _run(folder, "git", "init", "--quiet")
    _run(folder, sys.executable, "-m", "dvc", "init", "--quiet", "--force")
    shutil.copytree(_first(PACKAGED / "plots", REPOSITORY / ".dvc" / "plots"), folder / ".dvc" / "plots")
    for setting in (
        # A shard is renamed into place, never changed there, so a link to DVC's cache is safe and saves disk.
        ("cache.type", "reflink,hardlink,copy"),
        ("core.analytics", "false"),
        ("core.autostage", "true"),
    ):
        _run(folder, sys.executable, "-m", "dvc", "config", *setting)
    _run(folder, "git", "add", "--all")
    _run(
        folder,
        "git",
        *_identity(folder),
        "commit",
        "--quiet",
        "--message",
        "A workspace made by kd-pipeline init",
    )


def _identity(folder: Path) -> tuple[str, ...]:
    """An author for the first commit where git knows none."""
    known = subprocess.run(["git", "config", "user.email"], cwd=folder, capture_output=True, check=False)
    return (
        ()
        if known.returncode == 0
        else ("-c", "user.name=kd-pipeline", "-c", "user.email=kd-pipeline@localhost")
    )


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise KDError(
            f"`{' '.join(command)}` failed in {folder}: {(done.stderr or done.stdout).strip()}. "
            "Fix that and run kd-pipeline init again in an empty folder."
        )
