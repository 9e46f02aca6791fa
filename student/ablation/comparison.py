"""Finished runs of an ablation, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64

from student.ablation.ablation import Ablation, Run
from student.ablation.column import Column
from student.ablation.resampling import Interval, Resampling, same_people
from student.ablation.results import RunResult, TeacherResult, read_result, read_teachers
from student.ablation.runs.run_folder import state_of
from student.ablation.spread import PairedDifference, Spread


@dataclass(frozen=True)
class Comparison:
    """What is known of each arm, and of which runs nothing is."""

    name: str
    metric: str
    baseline: str | None
    arms: tuple[str, ...]
    columns: tuple[Column, ...]
    results: Sequence[RunResult]
    unfinished: Sequence[Run] = ()
    teachers: Sequence[TeacherResult] = ()
    resampling: Resampling = field(default_factory=Resampling)

    @classmethod
    def of(cls, ablation: Ablation) -> "Comparison":
        """Of all finished runs whose params are still those of the ablation's file.

        Raises:
            KDError: a finished run's files cannot be read, or a folder holds something else.
        """
        finished, unfinished = [], []
        for run in ablation.runs():
            (finished if state_of(run, data=None).finished else unfinished).append(run)
        metric, columns = ablation.file.metric, ablation.columns
        results = [read_result(run, metric, columns) for run in finished]
        teachers = ablation.teachers
        return cls(
            name=ablation.file.name,
            metric=metric,
            baseline=ablation.file.baseline,
            arms=tuple(arm.name for arm in ablation.arms),
            columns=columns,
            results=results,
            unfinished=unfinished,
            teachers=read_teachers(
                teachers.evaluation,
                teachers.params.cells.teachers,
                metric,
                columns,
                measured={name: metrics for result in results for name, metrics in result.metrics.items()},
            ),
        )

    def of_arm(self, arm: str) -> list[RunResult]:
        """Results of one arm, in the order of the seeds."""
        return [result for result in self.results if result.arm == arm]

    def values(self, arm: str, column: Column) -> dict[int, float]:
        """By seed, fractions; runs that have no such number are absent."""
        return {r.seed: r.values[column.name] for r in self.of_arm(arm) if column.name in r.values}

    def spread(self, arm: str, column: Column) -> Spread | None:
        """Of one arm over its seeds."""
        return Spread.of(list(self.values(arm, column).values()))

    def difference(self, arm: str, column: Column) -> PairedDifference | None:
        """To the baseline; None without one, and of the baseline itself."""
        if self.baseline is None or arm == self.baseline:
            return None
        return PairedDifference.of(self.values(arm, column), self.values(self.baseline, column))

    def interval(self, arm: str, column: Column) -> Interval | None:
        """Of the difference to the baseline, over other people: its mean over seeds is taken in every draw.

        None where there is no difference, or where the people or the metric have no interval.
        """
        baseline = {result.seed: result for result in self.of_arm(self.baseline)} if self.baseline else {}
        pairs = [(r, baseline[r.seed]) for r in self.of_arm(arm) if r.seed in baseline]
        if arm == self.baseline or not pairs:
            return None
        differences = [self._resampled_difference(ours, theirs, column) for ours, theirs in pairs]
        if any(difference_B is None for difference_B in differences):
            return None
        return Interval.of(np.mean(differences, axis=0))

    def _resampled_difference(
        self, ours: RunResult, theirs: RunResult, column: Column
    ) -> Float64[np.ndarray, " b"] | None:
        if not same_people(ours.verdicts, theirs.verdicts, column):
            return None
        our_B, their_B = (
            self.resampling.values(result.verdicts, column, self.metric) for result in (ours, theirs)
        )
        return None if our_B is None or their_B is None else our_B - their_B

    @property
    def teacher_forward_passes(self) -> int:
        """Of all finished runs together."""
        return sum(result.record.teacher_forward_passes for result in self.results)
