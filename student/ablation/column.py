"""The columns of an ablation's table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from student.ablation.ablation_file import GroupParams

MEAN = "mean"


@dataclass(frozen=True)
class Column:
    """A dataset, the mean over datasets, or a group of joints pooled over datasets."""

    name: str
    kind: Literal["dataset", "mean", "group"]
    convention: str = ""
    """Of a dataset."""
    datasets: tuple[str, ...] = ()
    joints: tuple[str, ...] | None = None
    """None: all that the metric is over."""

    @property
    def title(self) -> str:
        return f"{self.name} ({self.convention})" if self.convention else self.name


def columns_of(conventions: Sequence[tuple[str, str]], groups: dict[str, GroupParams]) -> tuple[Column, ...]:
    """Datasets, given with their conventions; their mean; groups."""
    datasets = tuple(name for name, _ in conventions)
    return (
        *(Column(name, "dataset", convention, (name,)) for name, convention in conventions),
        Column(MEAN, "mean", datasets=datasets),
        *(Column(name, "group", "", group.datasets, group.joints) for name, group in groups.items()),
    )
