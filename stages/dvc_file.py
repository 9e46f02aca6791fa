"""dvc.yaml's dependencies on the files that params.yaml names one by one.

Conventions, first weights and the like have no place of their own in a workspace, so the stages of dvc.yaml
cannot list them beforehand; without them, an edited convention would be up to date. (Detection results are
left out: `index` is a stage for every dataset, all with dependencies of one form. Whoever reads a crop table
compares it with them.)
"""

import io
from collections.abc import Iterable

import click
from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.comments import CommentedSeq

from pipeline.atomic_file import write_atomically
from pipeline.params import PACKAGED_WEIGHTS, Params, load_yaml
from pipeline.workspace import WEIGHTS, Workspace

DVC_FILE = "dvc.yaml"
MARK = "named in params.yaml"
"""The comment behind what is added."""


def watch_named_files(workspace: Workspace) -> list[str]:
    """Add to dvc.yaml's stages `train` and `evaluate` the files that params.yaml names and they lack, and
    take out those that were added so and are not named any more. What else is in it stays as it is; a
    workspace without dvc.yaml, or with other stages, is left alone.

    Returns: what was added, `stage: file` each.

    Raises:
        KDError: dvc.yaml cannot be written.
    """
    path = workspace.path(DVC_FILE)
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    try:
        told = yaml.load(path.read_text(encoding="utf-8"))
        stages = {name: told["stages"][name] for name in ("train", "evaluate") if name in told["stages"]}
        dependencies = {name: stage.setdefault("deps", []) for name, stage in stages.items()}
    except (OSError, UnicodeDecodeError, YAMLError, AttributeError, KeyError, TypeError):
        return []  # DVC tells what is wrong with it
    added, before = [], str(dependencies)
    for name, paths in named_files(workspace).items():
        if name in dependencies:
            entries = dependencies[name]
            for place in reversed(range(len(entries))):
                if _is_ours(entries, place) and entries[place] not in paths:
                    del entries[place]
            watched = {next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries}
            for file in (file for file in paths if file not in watched):
                entries.append(file)
                entries.yaml_add_eol_comment(MARK, len(entries) - 1)
                added.append(f"{name}: {file}")
    if str(dependencies) != before:
        text = io.StringIO()
        yaml.dump(told, text)
        write_atomically(path, text.getvalue())
    return added


def _is_ours(entries: CommentedSeq, place: int) -> bool:
    """Whether the entry has our comment behind it."""
    comments = entries.ca.items.get(place)
    return bool(comments and comments[0] and MARK in comments[0].value)


def missing_sections(workspace: Workspace) -> list[str]:
    """Sections that dvc.yaml's stages depend on and params.yaml leaves to their defaults: what runs without
    DVC, `dvc repro` stops at."""
    told = load_yaml(workspace.path("params.yaml"))
    try:
        stages = YAML(typ="safe").load(workspace.path(DVC_FILE).read_text(encoding="utf-8"))["stages"]
        asked = [name for stage in stages.values() for name in stage.get("do", stage).get("params", ())]
    except (OSError, UnicodeDecodeError, YAMLError, AttributeError, KeyError, TypeError):
        return []  # DVC tells what is wrong with it
    sections = dict.fromkeys(str(name).partition(".")[0] for name in asked)
    return [name for name in sections if name in Params.model_fields and name not in told]


def tell_watched(added: Iterable[str]) -> None:
    """Print what `watch_named_files` has added."""
    for entry in added:
        click.echo(f"dvc.yaml, {entry} is a dependency from now on, as params.yaml names it.")


def named_files(workspace: Workspace) -> dict[str, list[str]]:
    """Files that the stages `train` and `evaluate` depend on and that nothing else in dvc.yaml covers."""
    params = workspace.params
    conventions = [
        *(dataset.convention for dataset in params.datasets.values()),
        *(teacher.convention for teacher in params.teachers.values()),
        *(params.skeleton.conventions or ()),
        params.student.init.convention,
    ]
    both = [name for name in conventions if name and name.endswith((".yaml", ".yml"))]
    init = params.student.init
    weights = [
        init.rtmpose,
        init.simple_baseline,
        None if init.backbone == PACKAGED_WEIGHTS else init.backbone,
    ]
    weights.append(f"{init.student}/{WEIGHTS}" if init.student else None)
    return {
        "train": _once([*both, *weights, params.distill.calibration]),
        "evaluate": _once([*both, *params.evaluate.students.values()]),
    }


def _once(paths: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(path for path in paths if path is not None))
