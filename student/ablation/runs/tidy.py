"""An ablation as CSV, for tools: one number per row. Values are fractions, differences too."""

import csv
import io
from collections.abc import Iterator, Sequence

from student.ablation.comparison import Comparison
from student.ablation.results import Numbers

RESULT_COLUMNS = ("arm", "seed", "kind", "dataset", "convention", "metric", "value")
PAIRED_COLUMNS = (
    "arm",
    "baseline",
    "kind",
    "dataset",
    "convention",
    "metric",
    "mean",
    "std",
    "seeds",
    "better",
    "low",
    "high",
)


TEACHER_COLUMNS = ("teacher", "kind", "dataset", "convention", "metric", "value")


def results_csv(comparison: Comparison) -> str:
    """All metrics of every finished run by dataset (kind `dataset`); the compared one also as the mean over
    the table's datasets and by group (kinds `mean` and `group`, named under `dataset`)."""
    return _csv(RESULT_COLUMNS, _result_rows(comparison))


def teachers_csv(comparison: Comparison) -> str:
    """The teachers' numbers, as those of runs; an arm is trained, so no file has both."""
    return _csv(TEACHER_COLUMNS, _teacher_rows(comparison))


def paired_csv(comparison: Comparison) -> str:
    """The differences to the baseline: a row to an arm and a column of the table; no `std` of one seed, no
    `low` and `high` (the interval over other people) where there is none."""
    return _csv(PAIRED_COLUMNS, _paired_rows(comparison))


def _result_rows(comparison: Comparison) -> Iterator[tuple[object, ...]]:
    for result in comparison.results:
        for number in _numbers(comparison, result):
            yield result.arm, result.seed, *number


def _teacher_rows(comparison: Comparison) -> Iterator[tuple[object, ...]]:
    for result in comparison.teachers:
        for number in _numbers(comparison, result):
            yield result.teacher, *number


def _numbers(comparison: Comparison, numbers: Numbers) -> Iterator[tuple[str, ...]]:
    conventions = {column.name: column.convention for column in comparison.columns}
    for dataset, metrics in numbers.metrics.items():
        for metric, value in metrics.items():
            yield "dataset", dataset, conventions.get(dataset, ""), metric, _number(value)
    for column in comparison.columns:
        if column.kind != "dataset" and column.name in numbers.values:
            yield column.kind, column.name, "", comparison.metric, _number(numbers.values[column.name])


def _paired_rows(comparison: Comparison) -> Iterator[tuple[object, ...]]:
    for arm in comparison.arms:
        for column in comparison.columns:
            paired = comparison.difference(arm, column)
            if paired is not None:
                spread = paired.difference
                place = (column.kind, column.name, column.convention, comparison.metric)
                numbers = (_number(spread.mean), _number(spread.std), spread.n, paired.better)
                interval = comparison.interval(arm, column)
                ends = (interval.low, interval.high) if interval else (None, None)
                yield arm, comparison.baseline, *place, *numbers, *map(_number, ends)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5f}"


def _csv(heading: Sequence[str], rows: Iterator[tuple[object, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heading)
    writer.writerows(rows)
    return text.getvalue()
