"""dvc.yaml's dependencies on the files that params.yaml names one by one.

Conventions, first weights and similar files have no place of their own in a workspace, so the stages of
dvc.yaml cannot list them beforehand; without them, an edited convention would be up to date. (Detection
results are left out: `index` is a stage for every dataset, all with dependencies of one form. Every command
that reads a crop table compares it with them.)
"""

import posixpath
from collections.abc import Iterable, Sequence

import click
import yaml
from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.comments import CommentedSeq

from pipeline.errors import KDError
from pipeline.files.atomic import write_atomically
from pipeline.files.yaml_file import load_yaml
from pipeline.params import PACKAGED_WEIGHTS, Params
from pipeline.workspace import WEIGHTS, Workspace

DVC_FILE = "dvc.yaml"
MARK = "# named in params.yaml"
"""The comment behind what is added."""


def tell_named_files(workspace: Workspace) -> None:
    """`watch_named_files`, and print what was added. A dvc.yaml that cannot be written is a warning: the
    command's own work is done by then."""
    try:
        added = watch_named_files(workspace)
    except KDError as error:
        click.echo(f"Warning: {error}")
        return
    for entry in added:
        click.echo(f"dvc.yaml, {entry} is a dependency from now on, as params.yaml names it.")


def watch_named_files(workspace: Workspace) -> list[str]:
    """Add to dvc.yaml's stages `train` and `evaluate` the files that params.yaml names and they lack, and
    take out those that were added so and are not named any more: a line each, and every other line stays as
    it is. A workspace without dvc.yaml, or whose stages list dependencies in another way, is left alone.

    Returns: what was added, `stage: file` each.

    Raises:
        KDError: dvc.yaml cannot be written.
    """
    path = workspace.path(DVC_FILE)
    try:
        text = path.read_bytes().decode()
        stages = YAML().load(text)["stages"]
    except (OSError, UnicodeDecodeError, YAMLError, KeyError, TypeError):
        return []  # DVC reports what is wrong with it
    lines, added = text.splitlines(keepends=True), []
    edits: list[tuple[int, list[str]]] = []
    for name, files in named_files(workspace).items():
        stage = stages.get(name) if isinstance(stages, dict) else None
        entries = stage.get("deps") if isinstance(stage, dict) else None
        if isinstance(entries, CommentedSeq) and entries and not entries.fa.flow_style():
            new = _edited(lines, entries, files, edits)
            added += [f"{name}: {file}" for file in new]
    for place, replacement in sorted(edits, reverse=True):
        lines[place : place + 1] = replacement
    if edits:
        write_atomically(path, "".join(lines).encode())
    return added


def _edited(
    lines: Sequence[str], entries: CommentedSeq, files: Sequence[str], edits: list[tuple[int, list[str]]]
) -> list[str]:
    """The files that `entries` lack; appends to `edits` which lines become which."""
    places = {entries.lc.item(number)[0]: entry for number, entry in enumerate(entries)}
    named = {posixpath.normpath(file) for file in files}
    gone = [
        place
        for place, entry in places.items()
        if lines[place].rstrip().endswith(MARK) and posixpath.normpath(str(entry)) not in named
    ]
    kept = [entry for place, entry in places.items() if place not in gone]
    watched = {
        posixpath.normpath(str(next(iter(entry)) if isinstance(entry, dict) else entry)) for entry in kept
    }
    new = [file for file in files if posixpath.normpath(file) not in watched]
    first = min(places)
    indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    ending = lines[first][len(lines[first].rstrip("\r\n")) :] or "\n"
    before = [f"{indent}- {_scalar(file)}  {MARK}{ending}" for file in new]
    for place in {*gone, *([first] if before else [])}:
        edits.append((place, (before if place == first else []) + ([] if place in gone else [lines[place]])))
    return new


def _scalar(text: str) -> str:
    """As YAML has it, with quotes where it needs them."""
    return yaml.safe_dump(text, default_flow_style=True, width=2**20).splitlines()[0]


def missing_sections(workspace: Workspace) -> list[str]:
    """Sections that dvc.yaml's stages depend on and params.yaml leaves to their defaults: what runs without
    DVC, `dvc repro` stops at."""
    written = load_yaml(workspace.path("params.yaml"))
    try:
        stages = YAML(typ="safe").load(workspace.path(DVC_FILE).read_text(encoding="utf-8"))["stages"]
        asked = [name for stage in stages.values() for name in stage.get("do", stage).get("params", ())]
    except (OSError, UnicodeDecodeError, YAMLError, AttributeError, KeyError, TypeError):
        return []  # DVC reports what is wrong with it
    sections = dict.fromkeys(str(name).partition(".")[0] for name in asked)
    return [name for name in sections if name in Params.model_fields and name not in written]


def named_files(workspace: Workspace) -> dict[str, list[str]]:
    """Files that the stages `train` and `evaluate` depend on and that nothing else in dvc.yaml covers: a
    student's first weights that are a teacher's checkpoint are in that teacher's stores by their hash.
    """
    params = workspace.params
    conventions = [
        *(dataset.convention for dataset in params.datasets.values()),
        *(teacher.convention for teacher in params.teachers.values()),
        *(params.skeleton.conventions or ()),
        params.student.init.convention,
    ]
    both = [name for name in conventions if name and name.endswith((".yaml", ".yml"))]
    init = params.student.init
    weights = [init.rtmpose, init.simple_baseline, init.backbone]
    weights.append(f"{init.student}/{WEIGHTS}" if init.student else None)
    covered = {PACKAGED_WEIGHTS, *(params.teachers[name].checkpoint for name in params.cells.teachers)}
    first = [path for path in weights if path not in covered]
    return {
        "train": _once([*both, *first, params.distill.calibration]),
        "evaluate": _once([*both, *params.evaluate.students.values()]),
    }


def _once(paths: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(path for path in paths if path is not None))
