"""docs/commands.md."""

import re

import click

from stages.cli import main
from stages.documentation.commands_page import commands_page


def test_every_command_has_a_heading_in_the_order_of_help():
    headings = re.findall("^## `kd-pipeline(.*)`$", commands_page(main, "kd-pipeline"), re.MULTILINE)
    assert headings[:4] == ["", " init", " doctor", " skeleton"]
    assert " store verify" in headings
    assert " ablate-run" not in headings


def test_every_option_has_a_meaning():
    rows = re.findall(r"^\| `-.*$", commands_page(main, "kd-pipeline"), re.MULTILINE)
    assert len(rows) > 40
    assert [row for row in rows if re.search(r"\| (\(\S+\))? *\|$", row)] == []


@click.command()
@click.argument("file")
@click.option("--jobs", type=click.IntRange(1), default=2, help="At a time, in runs/<name>/.")
@click.option("--dry-run", is_flag=True, help="Run nothing.")
@click.option("--out", required=True, help="A file.")
def repeat(file: str, jobs: int, dry_run: bool, out: str) -> None:
    """Train FILE
    again.

    \b
    first    one
      second two
    """


def test_a_command_is_its_usage_its_text_and_a_row_for_each_option():
    assert commands_page(repeat, "repeat").partition("interrupted.\n\n")[2] == (
        "## `repeat`\n\n"
        "    repeat [OPTIONS] FILE\n\n"
        "Train FILE again.\n\n"
        "```\nfirst    one\n  second two\n```\n\n"
        "| option | default | meaning |\n|---|---|---|\n"
        "| `--jobs INTEGER RANGE` | `2` | At a time, in runs/&lt;name>/. (x>=1) |\n"
        "| `--dry-run` |  | Run nothing. |\n"
        "| `--out TEXT` | — | A file. |\n"
    )
