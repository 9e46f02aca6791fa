"""An ablation, drawn: every run a point, every arm its mean and standard deviation."""

import io
from pathlib import Path

import matplotlib
import numpy as np

from pipeline.files.atomic import write_atomically
from student.ablation.column import Column
from student.ablation.comparison import Comparison

matplotlib.use("Agg")  # no screen is needed to write a file

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_MOST_ACROSS = 5
_PANEL_INCHES = 2.4
_ARM_INCHES = 0.38
_LETTER_INCHES = 0.075
_SEEDS_FROM_TO = (-0.32, 0.0)
"""Rows below an arm's middle, of its first and last seed's points."""
_MEAN_AT = 0.25
_BAR = "#222222"


def plot_comparison(comparison: Comparison, paths: list[Path]) -> None:
    """One panel per column of the table, one row per arm, one colour per seed; dotted: the baseline's mean.

    The same numbers give the same file.

    Raises:
        KDError: a file cannot be written.
    """
    with plt.rc_context({"svg.hashsalt": comparison.name, "font.size": 9}):
        figure = _drawn(comparison)
        for path in paths:
            picture, dateless = io.BytesIO(), {"Date": None} if path.suffix == ".svg" else None
            figure.savefig(picture, dpi=150, format=path.suffix.removeprefix("."), metadata=dateless)
            write_atomically(path, picture.getvalue())
        plt.close(figure)


def _drawn(comparison: Comparison) -> Figure:
    panels = len(comparison.columns)
    down = -(-panels // _MOST_ACROSS)
    across = -(-panels // down)
    width = 0.4 + _LETTER_INCHES * max(map(len, comparison.arms)) + _PANEL_INCHES * across
    height = 0.9 + down * (0.7 + _ARM_INCHES * len(comparison.arms))
    figure, grid = plt.subplots(
        down, across, figsize=(width, height), sharey=True, squeeze=False, layout="constrained"
    )
    for axes, column in zip(grid.flat, comparison.columns, strict=False):
        _draw_panel(axes, comparison, column)
    for axes in grid.flat[panels:]:
        axes.set_visible(False)
    _name_arms(grid[0, 0], comparison)
    figure.supxlabel(f"{comparison.metric}, percent", fontsize="medium")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper center", ncols=len(handles), frameon=False)
    return figure


def _draw_panel(axes: Axes, comparison: Comparison, column: Column) -> None:
    for row in range(1, len(comparison.arms), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="black", alpha=0.035, linewidth=0)
    _draw_seeds(axes, comparison, column)
    _draw_means(axes, comparison, column)
    axes.set_title(column.title, fontsize="medium")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _draw_seeds(axes: Axes, comparison: Comparison, column: Column) -> None:
    seeds = sorted({result.seed for result in comparison.results})
    offsets = np.linspace(*_SEEDS_FROM_TO, len(seeds)) if len(seeds) > 1 else np.zeros(len(seeds))
    for number, (seed, offset) in enumerate(zip(seeds, offsets, strict=True)):
        points = [
            (100 * values[seed], row + offset)
            for row, arm in enumerate(comparison.arms)
            if seed in (values := comparison.values(arm, column))
        ]
        x, y = zip(*points, strict=True) if points else ((), ())
        axes.plot(x, y, "o", color=f"C{number % 10}", markersize=3.5, label=f"seed {seed}")


def _draw_means(axes: Axes, comparison: Comparison, column: Column) -> None:
    spreads = [(row, comparison.spread(arm, column)) for row, arm in enumerate(comparison.arms)]
    known = [(row, spread) for row, spread in spreads if spread is not None]
    axes.errorbar(
        [100 * spread.mean for _, spread in known],
        [row + _MEAN_AT for row, _ in known],
        xerr=[100 * (spread.std or 0.0) for _, spread in known],
        fmt="|",
        color=_BAR,
        markersize=9,
        markeredgewidth=1.6,
        elinewidth=1.2,
        capsize=3,
        label="mean ± standard deviation",
    )
    baseline = comparison.baseline and comparison.spread(comparison.baseline, column)
    if baseline:
        axes.axvline(100 * baseline.mean, color="grey", linestyle=":", linewidth=1, zorder=0)


def _name_arms(axes: Axes, comparison: Comparison) -> None:
    """From top to bottom; the baseline in bold."""
    axes.set_yticks(range(len(comparison.arms)), comparison.arms)
    axes.set_ylim(len(comparison.arms) - 0.5, -0.5)
    for label, arm in zip(axes.get_yticklabels(), comparison.arms, strict=True):
        label.set_fontweight("bold" if arm == comparison.baseline else "normal")
