"""The command `kd-pipeline`."""

from typing import Any

import click

from pipeline.errors import KDError
from pipeline.extensions import COMMANDS
from pipeline.files.atomic import NO_SPACE
from stages.terminal.near_names import GuessingGroup


class UserError(click.ClickException):
    """A KDError, printed in one paragraph."""

    exit_code = 2


INTERRUPTED = 130
"""As shells report it: 128 plus the number of SIGINT."""


class StageGroup(GuessingGroup):
    """Turns a KDError of any command into one paragraph and exit code 2, and an interrupt into a line."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KDError as error:
            raise UserError(str(error)) from None
        except OSError as error:
            if error.errno not in NO_SPACE:
                raise
            place = f" to write {error.filename}" if error.filename else ""
            raise UserError(
                f"no space left{place}: {error.strerror}. Results that are finished are whole. Make room on "
                "that disk, then run the same command again."
            ) from None
        except KeyboardInterrupt:
            click.echo(
                "\nStopped. What was finished is kept: run the same command again to continue.", err=True
            )
            raise click.exceptions.Exit(INTERRUPTED) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a newcomer needs them."""
        return list(self.commands)


@click.group(
    cls=StageGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="kd-pipeline")
def main() -> None:
    """Distil many 2D pose teachers, each with its own joints, into one small student.

    \b
    A workspace is a folder with params.yaml and dvc.yaml. In it, `dvc repro` runs:
      index-datasets    annotations + images      ->  crops/<dataset>/
      extract-teachers  crops + a teacher         ->  stores/<teacher>/<dataset>.zarr
      train-student     stores + ground truth     ->  runs/student/
      evaluate          student + teachers        ->  evaluation/

    `kd-pipeline ablate FILE` repeats the last two in many variants, from the same stores.
    """


for name in COMMANDS:
    main.add_command(COMMANDS.load(name), name)
