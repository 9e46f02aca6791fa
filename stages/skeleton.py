"""`kd-pipeline skeleton show`: the union, who provides which joint, and what is dropped."""

import json
from pathlib import Path

import click

from stages.options import workspace_option


@click.group("skeleton")
def skeleton() -> None:
    """The union skeleton."""


@skeleton.command("show")
@workspace_option
@click.argument("conventions", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(root: Path, conventions: tuple[str, ...], as_json: bool) -> None:
    """Print the union of CONVENTIONS (names or YAML files), e.g. coco17 mpii16.

    Without any, the union of the workspace's params.yaml.
    """
    from pipeline.conventions.describe import describe_union, union_as_dict
    from pipeline.conventions.registry import load_convention
    from pipeline.conventions.union import build_union
    from pipeline.workspace import Workspace
    from pipeline.workspace_union import workspace_conventions, workspace_union

    if conventions:
        loaded = [load_convention(name, root) for name in conventions]
        union = build_union(loaded)
    else:
        workspace = Workspace.open(root)
        loaded = workspace_conventions(workspace)
        union = workspace_union(workspace)
    click.echo(
        json.dumps(union_as_dict(union, loaded), indent=2) if as_json else describe_union(union, loaded)
    )
