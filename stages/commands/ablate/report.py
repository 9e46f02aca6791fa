"""What an ablation leaves beside its runs: table.md, results.csv, paired.csv, teachers.csv and the plot."""

from pipeline.files.atomic import write_atomically
from stages.commands.ablate.plot import plot_comparison
from student.ablation.ablation import Ablation
from student.ablation.comparison import Comparison
from student.ablation.runs.tidy import paired_csv, results_csv, teachers_csv
from student.ablation.table import ablation_table


def write_report(ablation: Ablation) -> str:
    """Write them from all finished runs, whichever were run now. Returns the table.

    Raises:
        KDError: a run's results cannot be read, or the folder cannot be written.
    """
    comparison = Comparison.of(ablation)
    table = ablation_table(comparison)
    for name, content in (
        ("table.md", table),
        ("results.csv", results_csv(comparison)),
        ("paired.csv", paired_csv(comparison)),
        ("teachers.csv", teachers_csv(comparison)),
    ):
        write_atomically(ablation.folder / name, content)
    plot_comparison(comparison, [ablation.folder / "plot.png", ablation.folder / "plot.svg"])
    return table
