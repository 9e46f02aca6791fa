"""What warping a stored map costs: `python -m benchmarks.warp`.

Training warps a teacher's map of the plain crop into every augmented view of it. Here the same crops are
turned, scaled, shifted and mirrored by known amounts, and the warped map is compared with the teacher's own
answer to the changed crop. docs/views.md explains the columns and what to make of them.
"""

import json
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks.cases.cell_case import SYNTHETIC, TEACHERS, pack, table_for, teacher_called
from benchmarks.cases.warp_study import CASES, OFFSET_CASES, Case, WarpStudy
from pipeline.errors import KDError

DEFAULT = ("rtmpose-t", "td-hm")
_COLUMNS = (
    ("joints", "joints", ".0f"),
    ("p50_px", "p50", ".2f"),
    ("p90_px", "p90", ".2f"),
    ("jumped", "jumped", ".1%"),
    ("offset_x_px", "offset x", "+.2f"),
    ("offset_y_px", "offset y", "+.2f"),
    ("resampling_p90_px", "resampling p90", ".2f"),
    ("total_variation", "variation", ".3f"),
    ("warped_right", "warped right", ".1%"),
    ("answer_right", "answer right", ".1%"),
)
_OFFSETS = (
    ("joints", "joints", ".0f"),
    ("offset_x_px", "offset x", "+.2f"),
    ("chance_x_px", "standard error", ".2f"),
    ("offset_y_px", "offset y", "+.2f"),
    ("chance_y_px", "standard error", ".2f"),
)


@click.command()
@click.option(
    "--teacher",
    "names",
    type=click.Choice(TEACHERS),
    multiple=True,
    help=f"May be given several times; default: {' and '.join(DEFAULT)}, without the pack {SYNTHETIC}.",
)
@click.option("--crops", default=64, show_default=True)
@click.option("--flip/--no-flip", default=True, show_default=True, help="Flip test.")
@click.option("--offsets", is_flag=True, help="Only mean offsets, by rotation and scale, mirrored and not.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Draw the figures into a PNG.")
@click.option("--json", "as_json", is_flag=True)
def main(
    names: tuple[str, ...], crops: int, flip: bool, offsets: bool, plot: Path | None, as_json: bool
) -> None:
    """How far the warped plain map is from the teacher's answer to the warped crop."""
    try:
        cases = OFFSET_CASES if offsets else CASES
        results = {name: measure(name, crops, flip, cases) for name in names or _default()}
    except KDError as error:
        raise click.ClickException(str(error)) from None
    if plot is not None:
        draw(results, plot)
    if as_json:
        click.echo(json.dumps({"crops": crops, "flip_test": flip, "teachers": results}, indent=2))
        return
    for name, rows in results.items():
        columns = _OFFSETS if offsets else _COLUMNS
        click.echo(f"{name}, {crops} crops, flip test {'on' if flip else 'off'}:\n\n{table(rows, columns)}\n")


def _default() -> tuple[str, ...]:
    try:
        pack()
    except KDError:
        return (SYNTHETIC,)
    return DEFAULT


def measure(name: str, crops: int, flip: bool, cases: Sequence[Case] = CASES) -> list[dict[str, Any]]:
    """A row per case."""
    teacher = teacher_called(name, flip)
    with tempfile.TemporaryDirectory() as folder:
        study = WarpStudy(teacher, table_for(name, crops, Path(folder)))
    return [study.compare(case) for case in cases]


def table(rows: Sequence[dict[str, Any]], columns: Sequence[tuple[str, str, str]] = _COLUMNS) -> str:
    """As Markdown; of a change and its opposite, the mean (the JSON has both)."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        sign = "±" if row["case"] in ("rotation", "shift") and row["amount"] else ""
        mirrored = ", mirrored" if row["mirrored"] else ""
        groups.setdefault(f"{row['case']} {sign}{abs(row['amount']):g}{mirrored}", []).append(row)
    titles = ["view", *(title for _, title, _ in columns)]
    lines = [titles, ["---"] * len(titles)]
    for name, group in groups.items():
        lines.append([name, *(_cell([row[key] for row in group], style) for key, _, style in columns)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(values: Sequence[float | None], style: str) -> str:
    return "-" if None in values else format(statistics.mean(values), style)


def draw(results: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Distance and rightness over rotation and over scale, a colour to a teacher."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6.5), layout="constrained")
    axes = figure.subplots(2, 2, sharex="col", sharey="row")
    for column, (kind, label) in enumerate(
        (("rotation", "degrees of rotation"), ("scale", "factor of scale"))
    ):
        for number, (name, rows) in enumerate(results.items()):
            upright = [row for row in rows if not row["mirrored"]]
            chosen = [row for row in upright if row["case"] == kind or (kind == "scale" and row is rows[0])]
            chosen = sorted(chosen, key=lambda row: _place(row, kind))
            _curves(axes[:, column], [_place(row, kind) for row in chosen], chosen, f"C{number}", name)
        axes[1, column].set_xlabel(label)
    axes[0, 0].set_ylabel("warped map to answer, input px")
    axes[1, 0].set_ylabel("share of labels found")
    for axis in axes[:, 0]:
        axis.legend(fontsize="small")
    figure.savefig(path, dpi=120)


def _place(row: dict[str, Any], kind: str) -> float:
    """The plain crop, given as a rotation of 0, is a scale of 1."""
    return row["amount"] if row["case"] == kind else 1.0


def _curves(axes: Any, x: list[float], rows: Sequence[dict[str, Any]], colour: str, name: str) -> None:
    distance, right = axes
    distance.plot(x, [row["p50_px"] for row in rows], "o-", color=colour, label=f"{name}, median")
    distance.plot(x, [row["p90_px"] for row in rows], "o:", color=colour, label=f"{name}, 90 %")
    right.plot(x, [row["warped_right"] for row in rows], "o-", color=colour, label=f"{name}, warped map")
    right.plot(x, [row["answer_right"] for row in rows], "x--", color=colour, label=f"{name}, own answer")


if __name__ == "__main__":
    main()
