"""Peak memory of extraction and training at two dataset sizes: `python -m benchmarks.memory --json`; of
indexing a large annotation file: `python -m benchmarks.memory --annotations 300`.

Both commands run as a user runs them, on rendered people and one of the quickstart's teachers; the figure is
the largest resident set of any of their processes. It must not grow with the number of crops.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import yaml

from benchmarks.cases.annotation_memory import measure_indexing

REPOSITORY = Path(__file__).resolve().parents[1]
TEACHER = "heatmap_coco"
DOMAIN = "synth_coco"


@click.command()
@click.option("--images", default=100, show_default=True, help="Pictures of the smaller size.")
@click.option(
    "--growth", default=4, show_default=True, help="The larger size has this many times the pictures."
)
@click.option("--annotations", type=float, help="Index a COCO file of so many MB, and do nothing else.")
@click.option("--outlines", is_flag=True, help="That file has outlines, as COCO's own.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(images: int, growth: int, annotations: float | None, outlines: bool, as_json: bool) -> None:
    """Print peak memory of both stages at both sizes, and the larger over the smaller."""
    if annotations is not None:
        with tempfile.TemporaryDirectory() as folder:
            found = measure_indexing(annotations, outlines, Path(folder))
        click.echo(json.dumps(found, indent=2) if as_json else _line(found))
        return
    results = [measure(images), measure(images * growth)]
    ratios = {f"{stage}_ratio": results[1][stage] / results[0][stage] for stage in ("extract_mb", "train_mb")}
    if as_json:
        click.echo(json.dumps({"sizes": results, **ratios}, indent=2))
        return
    for result in results:
        click.echo(_line(result))
    click.echo("  ".join(f"{name} {value:.3f}" for name, value in ratios.items()))


def _line(found: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in found.items())


def measure(images: int) -> dict[str, float]:
    """Crops, and peak MB of each stage, over a dataset of so many training pictures."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        write_workspace(workspace)
        kd(workspace, "synthesize", DOMAIN, "--out", DOMAIN, "--train", str(images), "--val", "1")
        kd(workspace, "index-datasets")
        extract_mb = kd(workspace, "extract-teachers")
        train_mb = kd(workspace, "train-student")
        lines = (workspace / "stores" / TEACHER / "people.zarr" / "crop_id" / "zarr.json").read_text()
        crops = json.loads(lines)["shape"][0]
    return {"crops": crops, "extract_mb": extract_mb, "train_mb": train_mb}


def write_workspace(folder: Path) -> None:
    """One dataset, one teacher, small shards: the larger size has several of them."""
    teacher = REPOSITORY / "teachers" / TEACHER / TEACHER
    params = {
        "cells": {"teachers": [TEACHER], "datasets": ["people"]},
        "datasets": {
            "people": {
                "format": "coco",
                "convention": "coco17",
                "images": f"{DOMAIN}/images",
                "annotations": f"{DOMAIN}/annotations/train.json",
            }
        },
        "teachers": {
            TEACHER: {
                "adapter": "mmpose",
                "config": f"{teacher}.py",
                "checkpoint": f"{teacher}.pth",
                "convention": "coco17",
            }
        },
        "extract": {"shard_size": 64},
        "student": {"backbone": "mobilenet_v3_small", "input_size": [96, 128], "width": 64},
        "train": {"datasets": ["people"], "epochs": 2, "batch_size": 32},
        "evaluate": {"datasets": ["people"]},
        "runtime": {"batch_size": 32},
    }
    (folder / "params.yaml").write_text(yaml.safe_dump(params))


def kd(workspace: Path, *arguments: str) -> float:
    """Run one kd-pipeline command; the peak resident set of its largest process, MB."""
    command = [sys.executable, "-m", "stages", *arguments]
    with subprocess.Popen(
        command, cwd=workspace, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        errors = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise click.ClickException(f"kd-pipeline {' '.join(arguments)} failed: {errors}")
    return usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


if __name__ == "__main__":
    main()
