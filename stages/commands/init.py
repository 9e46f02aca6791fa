"""`kd-pipeline init`: a workspace of the user's own."""

from pathlib import Path

import click

from stages.workspaces.template import TEMPLATES


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--template",
    type=click.Choice(TEMPLATES),
    default="quickstart",
    show_default=True,
    help="What to start from.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the template's data lies (real-sample, adapt).",
)
@click.option(
    "--check", is_flag=True, help="Write nothing: say which files DIR's params.yaml wants and does not find."
)
def init(folder: Path, template: str, data: Path | None, check: bool) -> None:
    """Make the workspace DIR: params.yaml, dvc.yaml, git and DVC initialised. Then: cd DIR && dvc repro

    \b
    quickstart    rendered people, small MMPose teachers that come along; offline, minutes
    coco-mpii     the paper's setting: COCO + MPII, RTMPose-m teachers (bring data and checkpoints)
    real-sample   a small pack of real images and teachers, named with --data
    adapt         a domain with pictures but no labels: labels of others, teachers (bring data, or --data)
    """
    from pipeline.workspace import Workspace
    from stages.workspaces.check import missing_files, summary
    from stages.workspaces.dvc_file import missing_sections
    from stages.workspaces.template import write_workspace

    if not check:
        write_workspace(folder, template, data)
        click.echo(f"{folder}: a workspace from the template {template}.")
    missing, sections = missing_files(folder), missing_sections(Workspace.open(folder))
    click.echo(summary(missing, sections, folder))
    if check and (missing or sections):
        raise SystemExit(1)
