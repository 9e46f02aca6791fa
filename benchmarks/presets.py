"""What a storage preset costs a student: `python -m benchmarks.presets --json`.

Students of the same seeds are trained on nothing but stored maps of two real teachers (one of heatmaps, one
of SimCC), once from each preset, and measured on labels that no training saw. Needs the real-data pack.
"""

import json
import shutil
import tempfile
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import click
import yaml

from benchmarks.cases.cell_case import pack
from benchmarks.memory import kd

TEACHERS = ("movenet_thunder", "rtmpose_t_coco")
TRAIN, VAL = "lspet-train", "lspet-val"
METRICS = ("PCK20_limbs", "AP")


@click.command()
@click.option("--preset", "presets", multiple=True, default=("exact", "balanced"), show_default=True)
@click.option("--seeds", default=3, show_default=True, help="Students trained from each preset.")
@click.option("--crops", default=2000, show_default=True, help="Of the training split.")
@click.option("--epochs", default=5, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(presets: tuple[str, ...], seeds: int, crops: int, epochs: int, as_json: bool) -> None:
    """Print each student's score, and the mean difference to the first preset's of the same seed."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder) / "base"
        kd(Path(folder), "init", str(base), "--template", "real-sample", "--data", str(pack()))
        _cut(base, crops)
        _set_params(base, presets[0], epochs, 0)
        kd(base, "index-datasets")
        scores = {preset: _scores(base, Path(folder) / preset, preset, seeds, epochs) for preset in presets}
    results = {
        "teachers": TEACHERS,
        "crops": crops,
        "epochs": epochs,
        "scores": scores,
        "difference": _differences(scores),
    }
    click.echo(json.dumps(results, indent=2) if as_json else yaml.safe_dump(results, sort_keys=False))


def _cut(workspace: Path, crops: int) -> None:
    """The training split's annotations, cut to so many people."""
    path = workspace / "params.yaml"
    params = yaml.safe_load(path.read_text())
    split = json.loads((workspace / params["datasets"][TRAIN]["annotations"]).read_text())
    people = split["annotations"][:crops]
    images = {person["image_id"] for person in people}
    cut = split | {"annotations": people, "images": [i for i in split["images"] if i["id"] in images]}
    (workspace / "train.json").write_text(json.dumps(cut))
    params["datasets"][TRAIN]["annotations"] = "train.json"
    path.write_text(yaml.safe_dump(params, sort_keys=False))


def _scores(base: Path, workspace: Path, preset: str, seeds: int, epochs: int) -> list[dict[str, float]]:
    shutil.copytree(base, workspace, symlinks=True)
    scores = []
    for seed in range(seeds):
        _set_params(workspace, preset, epochs, seed)
        kd(workspace, "extract-teachers")  # of the first seed; the others find the stores complete
        kd(workspace, "train-student")
        kd(workspace, "evaluate")
        metrics = json.loads((workspace / "evaluation/details.json").read_text())[VAL]["student"]
        scores.append({name: metrics[name] for name in METRICS})
        shutil.rmtree(workspace / "runs")
    return scores


def _set_params(workspace: Path, preset: str, epochs: int, seed: int) -> None:
    path = workspace / "params.yaml"
    params = yaml.safe_load(path.read_text())
    params["cells"] = {"teachers": list(TEACHERS), "datasets": [TRAIN]}
    params["datasets"] = {name: params["datasets"][name] for name in (TRAIN, VAL)}
    params["teachers"] = {name: params["teachers"][name] for name in TEACHERS}
    params["extract"] = {"preset": preset}
    params["student"] |= {"input_size": [64, 96], "width": 64}
    params["train"] |= {"datasets": [TRAIN], "epochs": epochs, "ground_truth_weight": 0.0, "seed": seed}
    params["train"]["ema_decay"] = 0.99
    params["distill"] = {"weight": 1.0}
    params["evaluate"] = {"datasets": [VAL], "overlays": 0}
    path.write_text(yaml.safe_dump(params, sort_keys=False))


def _differences(scores: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    """Of each preset to the first, seed by seed: mean, and standard deviation where there are several."""
    first, *others = scores
    return {
        f"{preset} - {first}": {
            name: _spread([b[name] - a[name] for a, b in zip(scores[first], scores[preset], strict=True)])
            for name in METRICS
        }
        for preset in others
    }


def _spread(values: list[float]) -> dict[str, float | None]:
    return {"mean": mean(values), "std": stdev(values) if len(values) > 1 else None}


if __name__ == "__main__":
    main()
