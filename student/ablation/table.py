"""An ablation as Markdown: the arms, and their differences to the baseline."""

from collections.abc import Iterator, Sequence

from student.ablation.column import Column
from student.ablation.comparison import Comparison
from student.ablation.resampling import COVERED
from student.ablation.results import RunResult, TeacherResult
from student.ablation.spread import Spread
from student.evaluation.markdown import markdown_rows

NOTHING = "-"
_AGAIN = "Run kd-pipeline ablate again to have it."


def ablation_table(comparison: Comparison) -> str:
    """Two tables and notes, in percent."""
    return "\n".join([*_arms(comparison), *_differences(comparison), "", *_notes(comparison)]) + "\n"


def _arms(comparison: Comparison) -> Iterator[str]:
    yield f"{comparison.name}: {comparison.metric} in percent, mean ± sample standard deviation over seeds."
    yield ""
    rows = [["arm", *(column.title for column in comparison.columns), "seeds", "steps", "wall time"]]
    for arm in comparison.arms:
        cells = [_level(comparison, arm, column) for column in comparison.columns]
        rows.append([arm, *cells, *_costs(comparison.of_arm(arm))])
    for teacher in comparison.teachers:
        cells = [_teachers_level(teacher, column) for column in comparison.columns]
        rows.append([f"{teacher.teacher} (teacher)", *cells, *[NOTHING] * 3])
    yield from markdown_rows(rows)


def _differences(comparison: Comparison) -> Iterator[str]:
    others = [arm for arm in comparison.arms if arm != comparison.baseline]
    if comparison.baseline is None or not others:
        return
    yield ""
    yield (
        f"Minus {comparison.baseline} of the same seed, points: mean ± sample standard deviation over seeds, "
        f"[{100 * COVERED:.0f} % interval over other people], (seeds that are better)."
    )
    yield ""
    rows = [["arm", *(column.title for column in comparison.columns)]]
    for arm in others:
        rows.append([arm, *(_difference(comparison, arm, column) for column in comparison.columns)])
    yield from markdown_rows(rows)


def _level(comparison: Comparison, arm: str, column: Column) -> str:
    spread = comparison.spread(arm, column)
    if spread is None:
        return NOTHING
    incomplete = any(column.name in result.incomplete for result in comparison.of_arm(arm))
    return _points(spread, "") + ("*" if incomplete else "")


def _teachers_level(teacher: TeacherResult, column: Column) -> str:
    if column.name not in teacher.values:
        return NOTHING
    return f"{100 * teacher.values[column.name]:.1f}" + ("*" if column.name in teacher.incomplete else "")


def _difference(comparison: Comparison, arm: str, column: Column) -> str:
    paired = comparison.difference(arm, column)
    if paired is None:
        return NOTHING
    interval = comparison.interval(arm, column)
    between = f" [{100 * interval.low:+.1f}, {100 * interval.high:+.1f}]" if interval else ""
    return f"{_points(paired.difference, '+')}{between} ({paired.better}/{paired.difference.n})"


def _points(spread: Spread, sign: str) -> str:
    mean = f"{100 * spread.mean:{sign}.1f}"
    return mean if spread.std is None else f"{mean} ± {100 * spread.std:.1f}"


def _costs(results: Sequence[RunResult]) -> tuple[str, str, str]:
    """Seeds, steps of one run, and its mean wall time, over the runs that were not interrupted."""
    steps = sorted({result.record.steps for result in results})
    whole = [result.record.seconds for result in results if not result.record.resumed_from_epoch]
    return (
        str(len(results)),
        "/".join(map(str, steps)) or NOTHING,
        f"{sum(whole) / len(whole):.0f} s" if whole else NOTHING,
    )


def _notes(comparison: Comparison) -> Iterator[str]:
    passes, runs = comparison.teacher_forward_passes, len(comparison.results)
    yield f"Teacher forward passes: {passes}, in the training and evaluation of {runs} runs."
    left_out = "; ".join(_left_out(comparison))
    if left_out:
        yield f"*: over fewer joints, not comparable with others of its column. Not predicted: {left_out}."
    if len({str(result.record.data["evaluate"]) for result in comparison.results}) > 1:
        yield "Not all runs were evaluated on the same labels: run kd-pipeline ablate again, without --only."
    without = [f"{result.arm} seed {result.seed}" for result in comparison.results if not result.verdicts]
    if without and comparison.baseline is not None:
        yield f"Evaluated by an earlier version, so without interval: {', '.join(without)}. {_AGAIN}"
    if comparison.unfinished:
        yield f"Not finished: {', '.join(map(str, comparison.unfinished))}."


def _left_out(comparison: Comparison) -> list[str]:
    named = [(result.arm, result) for result in comparison.results]
    named += [(teacher.teacher, teacher) for teacher in comparison.teachers]
    lines = (
        f"{name} on {dataset}: {', '.join(joints)}"
        for name, numbers in named
        for dataset, joints in numbers.not_predicted.items()
        if joints
    )
    return list(dict.fromkeys(lines))
