"""`python -m stages.documentation`: writes the generated pages of docs/ again."""

from pathlib import Path

import click

from stages.documentation.generated import generated_pages


@click.command()
@click.option(
    "--repository",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path("."),
    show_default="the current folder",
    help="The folder with docs/ and dvc.yaml.",
)
def write(repository: Path) -> None:
    """Write docs/settings.md, docs/commands.md and the table in docs/conventions.md again."""
    for page, text in generated_pages(repository).items():
        path = repository / page
        changed = not path.is_file() or path.read_text(encoding="utf-8") != text
        if changed:
            path.write_text(text, encoding="utf-8")
        click.echo(f"{page}: {'written' if changed else 'as it was'}")


if __name__ == "__main__":
    write()
