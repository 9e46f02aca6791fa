"""`kd-pipeline ablate`: many trainings from one extraction."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cores import usable_cores
from pipeline.errors import KDError
from stages.terminal.options import workspace_option

if TYPE_CHECKING:  # imports torch, which --help must not wait for
    from stages.commands.ablate.run_queue import Outcome
    from student.ablation.ablation import Ablation, Run


@click.command("ablate")
@workspace_option
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Runs at a time.")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Threads of each run; sums can differ in their last bits with it.  [default: cores / jobs]",
)
@click.option("--only", multiple=True, metavar="ARM", help="Only this arm (may be given several times).")
@click.option("--dry-run", is_flag=True, help="List the runs, and how far each is. Run nothing.")
@click.option("--table", is_flag=True, help="Only make table and plot again, of the finished runs.")
def ablate(
    root: Path,
    file: Path,
    jobs: int,
    threads: int | None,
    only: tuple[str, ...],
    dry_run: bool,
    table: bool,
) -> None:
    """Train and evaluate every arm of FILE with every seed, and compare them.

    Runs go to ablations/<name>/<arm>/seed<k>/, beside table.md, results.csv, paired.csv, teachers.csv and a
    plot. Stores and crops are only read. Finished runs whose params and data are unchanged are not repeated,
    and a killed run resumes from its last checkpoint: run the same command again. A failed run does not stop
    the others; the exit code is then 2.
    """
    from student.ablation.ablation import Ablation

    ablation = Ablation.open(file, root)
    if table:
        click.echo(_report(ablation))
        return
    finished, todo = _sorted_by_state(ablation, only, verbose=dry_run)
    if dry_run:
        click.echo(f"{len(finished)} of {len(finished) + len(todo)} runs are finished.")
        return
    _evaluate_teachers(ablation)
    failed = _run_all(ablation, finished, todo, jobs, threads or max(1, usable_cores() // jobs))
    click.echo(f"\n{_report(ablation)}")
    if failed:
        errors = " ".join(f"[{outcome.run}] {outcome.error}" for outcome in failed)
        raise KDError(
            f"{len(failed)} of {len(finished) + len(todo)} runs failed. {errors} "
            "Fix that and run the same command again: finished runs are not repeated."
        )


def _sorted_by_state(
    ablation: "Ablation", only: tuple[str, ...], verbose: bool
) -> tuple[list["Run"], list["Run"]]:
    """Finished runs, and those to do. Everything that any run needs is looked at first.

    Raises:
        KDError: there is no such arm; a table or store is missing, incomplete or stale.
    """
    from student.ablation.runs.data_identity import identities
    from student.ablation.runs.run_folder import state_of

    runs = ablation.runs(only)
    data = identities(runs)
    finished, todo = [], []
    for run in runs:
        state = state_of(run, data[run.arm])
        (finished if state.finished else todo).append(run)
        if verbose:
            click.echo(f"{run}: {state}")
    return finished, todo


def _evaluate_teachers(ablation: "Ablation") -> None:
    """From their stores. One that cannot be used is named, and keeps no run from being trained."""
    from student.ablation.runs.result_seal import seal_results
    from student.evaluation.evaluate import evaluate_teachers

    evaluate_teachers(
        ablation.teachers,
        ablation.teachers.evaluation,
        overlays=0,
        on_refused=lambda teacher, dataset, error: click.echo(
            f"No numbers of {teacher} on {dataset}: {error}"
        ),
    )
    seal_results(ablation.teachers.evaluation)


def _run_all(
    ablation: "Ablation", finished: list["Run"], todo: list["Run"], jobs: int, threads: int
) -> list["Outcome"]:
    """Run what is to be done, reporting every run as it ends; those that failed."""
    from stages.commands.ablate.run_queue import RunQueue
    from student.ablation.runs.earlier_run import complete_evaluation

    total = len(finished) + len(todo)
    for number, run in enumerate(finished, 1):
        complete_evaluation(run)
        click.echo(f"[{number}/{total}] {run}: finished before, {_score(ablation, run)}")
    failed = []
    with closing(RunQueue(jobs, threads).outcomes(todo)) as outcomes:
        for number, outcome in enumerate(outcomes, len(finished) + 1):
            result = f"failed, see {outcome.log}" if outcome.error else _score(ablation, outcome.run)
            click.echo(f"[{number}/{total}] {outcome.run}: {outcome.seconds:.0f} s, {result}")
            if outcome.error:
                failed.append(outcome)
    return failed


def _score(ablation: "Ablation", run: "Run") -> str:
    from student.ablation.column import MEAN
    from student.ablation.results import read_result

    metric = ablation.file.metric
    mean = read_result(run, metric, ablation.columns).values.get(MEAN)
    return f"{metric} " + ("-" if mean is None else f"{100 * mean:.1f}")


def _report(ablation: "Ablation") -> str:
    from stages.commands.ablate.report import write_report

    return f"{write_report(ablation)}\nTables and plot: {ablation.folder}"
