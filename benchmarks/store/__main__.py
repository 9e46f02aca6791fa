"""How fast the store is, beside what else could hold the same maps: `python -m benchmarks.store --json`.

A real teacher answers 8,192 crops of real photographs (ten minutes on two cores; with --cache FOLDER once for
all). The same maps are laid out for every contestant and read in turns, in random gathers of 256 into one
batch, first on one core, then on all. Without the real-data pack a made-up teacher answers (`real_maps`).
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from benchmarks.cases.cell_case import SYNTHETIC, TEACHERS, pack
from benchmarks.cases.turns import ratio
from benchmarks.store.cell import make_cell, make_copies
from benchmarks.store.contestants import CONTESTANTS
from pipeline.errors import KDError
from pipeline.store.format.provenance import FORMAT_VERSION
from pipeline.store.store import open_store

GROWTH = 10
_HEATMAP_TEACHERS = tuple(name for name in TEACHERS if name != "rtmpose-t")


@click.command()
@click.option(
    "--teacher", type=click.Choice(_HEATMAP_TEACHERS), help="Default: td-hm; without the pack synthetic."
)
@click.option("--crops", default=8192, show_default=True)
@click.option("--shard-size", default=1024, show_default=True, help="Divides the crops: all are full.")
@click.option("--flip/--no-flip", default=False, show_default=True, help="Flip test: twice as long to make.")
@click.option("--rounds", default=7, show_default=True)
@click.option("--seconds", default=0.5, show_default=True, help="Of every contestant in every round.")
@click.option("--quick", is_flag=True, help="1,024 crops, three short rounds: a trial, not a result.")
@click.option("--cache", type=click.Path(path_type=Path, file_okay=False), help="Keep cells here.")
@click.option("--json", "as_json", is_flag=True)
def main(
    teacher: str | None,
    crops: int,
    shard_size: int,
    flip: bool,
    rounds: int,
    seconds: float,
    quick: bool,
    cache: Path | None,
    as_json: bool,
) -> None:
    """Random gathers, cold reads, growth, writing, and what each part costs."""
    if quick:
        crops, rounds, seconds = 1024, 3, 0.1
    try:
        teacher = teacher or _teacher_at_hand()
        with tempfile.TemporaryDirectory() as folder:
            name = f"{teacher}-{crops}-by-{shard_size}{'-flip' * flip}-format{FORMAT_VERSION}"
            root = (cache or Path(folder)).resolve() / name
            result = measure(teacher, crops, shard_size, flip, root, rounds, seconds)
    except KDError as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(result, indent=2) if as_json else _table(result))


def _teacher_at_hand() -> str:
    try:
        pack()
    except KDError:
        return SYNTHETIC
    return "td-hm"


def measure(
    teacher: str, crops: int, shard_size: int, flip: bool, root: Path, rounds: int, seconds: float
) -> dict[str, Any]:
    """Everything, at one core and at all of them."""
    root.mkdir(parents=True, exist_ok=True)
    store = root / "cell.zarr"
    extraction = make_cell(teacher, crops, store, flip, shard_size)
    larger = make_copies(store, GROWTH, root / "larger.zarr")
    layout = open_store(store).layout
    cores = sorted(os.sched_getaffinity(0))
    setup = {
        "store": str(store),
        "larger": str(larger),
        "folder": str(root),
        "rounds": rounds,
        "seconds": seconds,
        "cold_rows": min(2048, crops),
    }
    return {
        "teacher": teacher,
        "real_maps": teacher != SYNTHETIC,
        "crops": crops,
        "map": [layout.maps[0].dtype, *layout.maps[0].row_shape],
        "codec": open_store(store).attributes["codec"],
        "extraction": extraction,
        "bytes_a_crop": _write_contestants(store, root, layout.num_rows),
        "cores": {
            str(len(given)): _with_ratios(_pinned(given, setup)) for given in ({cores[-1]}, set(cores))
        },
    }


def _write_contestants(store: Path, root: Path, rows: int) -> dict[str, float]:
    """Bytes a crop each takes. Those that are there already, stay."""
    taken = {}
    for contestant in CONTESTANTS:
        folder, done = root / contestant.name, root / f"{contestant.name}.done"
        folder.mkdir(exist_ok=True)
        if not done.exists():
            contestant.write(store, folder)
            done.touch()
        taken[contestant.name] = (
            sum(file.stat().st_blocks * 512 for file in contestant.files(store, folder)) / rows
        )
    return taken


def _pinned(cores: set[int], setup: dict[str, Any]) -> dict[str, Any]:
    """`benchmarks.store.rates` in a process of its own that has only these cores."""
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.store.rates", json.dumps(setup | {"threads": len(cores)})],
        stdout=subprocess.PIPE,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    return json.loads(finished.stdout)


def _with_ratios(found: dict[str, Any]) -> dict[str, Any]:
    others = [name for name in found["warm"] if name != "ours"]
    ratios = {f"ours / {name}": ratio(found["warm"], "ours", name) for name in others}
    return found | {"ratios": ratios | {"at ten times the rows": ratio(found["growth"], "larger", "rows")}}


def _table(result: dict[str, Any]) -> str:
    lines = [f"{result['crops']} maps of {result['teacher']}, {result['map']}"]
    for cores, found in result["cores"].items():
        lines.append(f"{cores} core(s)")
        for name, rate in found["warm"].items():
            size = result["bytes_a_crop"][name]
            lines.append(f"  {name:12} {rate['crops_per_s']:8.0f} crops/s  {size:8.0f} bytes a crop")
        lines += [f"  {name:24} {value:.2f}" for name, value in found["ratios"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
