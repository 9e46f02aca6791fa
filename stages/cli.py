"""The command `kd-pipeline`."""

from typing import Any

import click

from pipeline.errors import KDError
from pipeline.files.atomic import NO_SPACE
from stages.commands.ablate.command import ablate
from stages.commands.ablate.run_process import ablate_run
from stages.commands.calibrate import calibrate
from stages.commands.detect_people import detect_people
from stages.commands.doctor import doctor
from stages.commands.evaluate import evaluate
from stages.commands.extract_teachers import extract_teachers
from stages.commands.fidelity import fidelity
from stages.commands.index_datasets import index_datasets
from stages.commands.init import init
from stages.commands.recipe import recipe
from stages.commands.reliability import reliability
from stages.commands.skeleton import skeleton
from stages.commands.store.group import store
from stages.commands.synthesize import synthesize
from stages.commands.train_student import train_student
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


for command in (
    init,
    doctor,
    skeleton,
    synthesize,
    detect_people,
    index_datasets,
    extract_teachers,
    train_student,
    evaluate,
    ablate,
    ablate_run,
    store,
    fidelity,
    calibrate,
    reliability,
    recipe,
):
    main.add_command(command)
