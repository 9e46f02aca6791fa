"""`kd-pipeline index-datasets`: annotations and images into one crop table per dataset split."""

from pathlib import Path

import click

from stages.terminal.options import workspace_option
from stages.terminal.progress import ProgressBar


@click.command("index-datasets")
@workspace_option
@click.option(
    "--dataset", "names", multiple=True, help="Only this dataset split (may be given several times)."
)
def index_datasets(root: Path, names: tuple[str, ...]) -> None:
    """Write crops/<dataset>/: the crop table, and what was refused and why.

    A refused sample (missing or truncated image, empty box, NaN, ...) never stops the run; a file that is
    wrong as a whole does. What is improbable about all samples together (boxes of a few pixels, joints far
    from their boxes, sides exchanged) is a warning.
    """
    from pipeline.conventions.registry import load_convention
    from pipeline.datasets.crop_table import write_crop_table
    from pipeline.datasets.index import index_dataset, index_people
    from pipeline.datasets.plausibility import doubts
    from pipeline.datasets.refusal import count_reasons, write_refusals
    from pipeline.files.atomic import make_folder
    from pipeline.workspace import Workspace
    from stages.workspaces.dvc_file import missing_sections, tell_named_files

    workspace = Workspace.open(root)
    for name in names or workspace.params.datasets:
        params, known = workspace.dataset(name), {}
        with ProgressBar(name, "images") as progress:
            table, refusals = index_dataset(name, params, root, known=known, progress=progress)
        people = index_people(name, params, root, known)
        folder = make_folder(workspace.crops(name))
        write_refusals(refusals, folder / "refused.json")
        if people is not None:
            write_crop_table(people, make_folder(workspace.people(name)))
        write_crop_table(table, folder)
        click.echo(f"{name}: {len(table)} crops of {len(set(table.image))} images -> {folder}")
        for reason, count in count_reasons(refusals).items():
            click.echo(f"  refused {count}: {reason} (see {folder / 'refused.json'})")
        for doubt in doubts(table, load_convention(params.convention, root) if params.convention else None):
            click.echo(f"  Warning: {doubt}")
    tell_named_files(workspace)
    for name in missing_sections(workspace):
        click.echo(f"Warning: dvc repro needs a section {name} in params.yaml. Add a line: {name}: {{}}")
