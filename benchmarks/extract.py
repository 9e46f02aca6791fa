"""How busy extraction keeps the teacher: `python -m benchmarks.extract --json`.

Bare forward passes over crops that lie ready in memory, and whole extractions of the same crops from image
files to finished shards, take turns in one process with the same teacher, batch and threads. The ratio is the
median over the rounds, so that other work on the machine slows both alike; `cpu_ratio` compares the processor
time of all processes, which such work touches less. An extraction's time includes opening the store, starting
the workers and measuring fidelity.

Peak memory (RSS) is measured in a fresh process each, at two numbers of crops.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from torch import Tensor

from benchmarks.cases.cell_case import TEACHERS, first_rows, table_for, teacher_called
from pipeline.datasets.crop_table import CropTable, read_crop_table, write_crop_table
from pipeline.errors import KDError
from pipeline.extraction.crop_batches import CropBatches, plan_batches
from pipeline.extraction.extract import extract_cell
from pipeline.params import ExtractParams, RuntimeParams
from pipeline.store.format.layout import Shard
from pipeline.teachers.teacher import Teacher

GROWTH = 4
"""The second memory measurement has this many times the crops of the first."""


@click.command()
@click.option("--teacher", "name", type=click.Choice(TEACHERS), default="synthetic", show_default=True)
@click.option("--crops", default=256, show_default=True, help="Crops per round.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--batch", default=32, show_default=True)
@click.option("--workers", default="auto", show_default=True)
@click.option("--shard-size", default=128, show_default=True)
@click.option("--threads", default=0, help="PyTorch threads; default: as many as PyTorch takes.")
@click.option("--flip/--no-flip", default=True, show_default=True, help="Flip test.")
@click.option("--memory/--no-memory", default=True, show_default=True)
@click.option("--json", "as_json", is_flag=True)
@click.option(
    "--peak-of", type=click.Path(path_type=Path), hidden=True, help="Crop table to extract and report RSS."
)
def main(
    name: str,
    crops: int,
    rounds: int,
    batch: int,
    workers: str,
    shard_size: int,
    threads: int,
    flip: bool,
    memory: bool,
    as_json: bool,
    peak_of: Path | None,
) -> None:
    """Crops per second of extraction beside a bare forward loop, and peak memory at two sizes."""
    if threads:
        torch.set_num_threads(threads)
    extract = ExtractParams(shard_size=shard_size)
    runtime = RuntimeParams(
        device="cpu", batch_size=batch, workers="auto" if workers == "auto" else int(workers)
    )
    try:
        teacher = teacher_called(name, flip)
        if peak_of is not None:
            click.echo(json.dumps(_peaks(teacher, peak_of, extract, runtime)))
            return
        with tempfile.TemporaryDirectory() as folder:
            table = table_for(name, crops * (GROWTH if memory else 1), Path(folder) / "images")
            result = _rates(teacher, first_rows(table, crops), extract, runtime, rounds, Path(folder))
            if memory:
                result["peak_memory"] = [
                    _peak_in_new_process(first_rows(table, count), Path(folder))
                    for count in (crops, GROWTH * crops)
                ]
    except KDError as error:
        raise click.ClickException(str(error)) from None
    settings = {
        "teacher": name,
        "flip_test": flip,
        "batch": batch,
        "workers": workers,
        "shard_size": shard_size,
    }
    _show({**settings, "torch_threads": torch.get_num_threads(), **result}, as_json)


def _rates(
    teacher: Teacher,
    table: CropTable,
    extract: ExtractParams,
    runtime: RuntimeParams,
    rounds: int,
    folder: Path,
) -> dict[str, Any]:
    ready = _ready_batches(teacher, table, runtime.batch_size)
    teacher.predict(ready[0])
    bare, whole, bare_cpu, whole_cpu = [], [], [], []
    for number in range(rounds):
        seconds, cpu_seconds = _cost(lambda: [teacher.predict(batch) for batch in ready])
        bare.append(len(table) / seconds)
        bare_cpu.append(cpu_seconds / len(table))
        store = folder / f"{number}.zarr"
        seconds, cpu_seconds = _cost(partial(extract_cell, teacher, table, store, extract, runtime))
        whole.append(len(table) / seconds)
        whole_cpu.append(cpu_seconds / len(table))
    return {
        "crops": len(table),
        "rounds": rounds,
        "bare_crops_per_s": statistics.median(bare),
        "extract_crops_per_s": statistics.median(whole),
        "ratio": statistics.median(e / b for e, b in zip(whole, bare, strict=True)),
        "ratio_of_best": max(whole) / max(bare),
        "bare_cpu_ms_per_crop": 1e3 * min(bare_cpu),
        "extract_cpu_ms_per_crop": 1e3 * min(whole_cpu),
        "cpu_ratio": min(bare_cpu) / min(whole_cpu),
    }


def _ready_batches(teacher: Teacher, table: CropTable, batch_size: int) -> list[Tensor]:
    batches = CropBatches(table, teacher.crop)
    everything = {Shard(0, 0, len(table)): np.arange(len(table))}
    return [batches.request(plan.key_B).images_BHW3 for plan in plan_batches(everything, batch_size)]


def _cost(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of all cores, worker processes among them."""
    started, cpu_started = time.perf_counter(), _cpu_seconds()
    work()
    return time.perf_counter() - started, _cpu_seconds() - cpu_started


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak_in_new_process(table: CropTable, folder: Path) -> dict[str, Any]:
    """The same command again with the crop table on disk, so that the table's own memory counts."""
    place = folder / f"table-{len(table)}"
    write_crop_table(table, place)
    (place / "images_root").write_text(str(table.images_root))
    command = [sys.executable, "-m", "benchmarks.extract", *sys.argv[1:], "--peak-of", str(place)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def _peaks(teacher: Teacher, place: Path, extract: ExtractParams, runtime: RuntimeParams) -> dict[str, Any]:
    table = read_crop_table(place, Path((place / "images_root").read_text()))
    extract_cell(teacher, table, place / "store.zarr", extract, runtime)
    kilobyte = 1 if sys.platform == "darwin" else 1024
    return {
        "crops": len(table),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilobyte / 1e6,
        "peak_mb_of_a_worker": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * kilobyte / 1e6,
    }


def _show(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result, indent=2))
        return
    click.echo(
        f"{result['teacher']}: extraction {result['extract_crops_per_s']:.1f} crops/s, bare forward "
        f"{result['bare_crops_per_s']:.1f} crops/s, ratio {result['ratio']:.3f}"
    )
    for peak in result.get("peak_memory", ()):
        click.echo(f"{peak['crops']} crops: peak {peak['peak_mb']:.0f} MB")


if __name__ == "__main__":
    main()
