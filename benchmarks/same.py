"""Whether a change of the code changes any result: `python -m benchmarks.same`, or `make same`.

Two small workspaces (the quickstart, and the real sample where the pack is) go through every stage: index,
extract, train 20 steps, evaluate. What comes out is hashed and compared with benchmarks/same.json, bit for
bit. Arithmetic differs between processors and versions of libraries, so a fingerprint counts only where it
was recorded; elsewhere record one on the commit that you start from (`--record`), then compare. Stores are
hashed twice: their files, and the rows that zarr-python reads, which another version of zstd leaves alone.
"""

import hashlib
import json
import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import torch
import yaml
import zarr

from stages.cli import main as kd_pipeline

FINGERPRINT = Path(__file__).with_suffix(".json")
LIBRARIES = ("torch", "torchvision", "numpy", "onnxruntime", "opencv-python-headless", "mmpose", "numcodecs")
PACK = Path(os.environ.get("KD_REALDATA", "../shared/realdata"))
STEPS = 20
QUICKSTART_IMAGES = {"--train": 8, "--val": 4, "--unlabelled": 6, "--seed": 0}
TRAINING = {"epochs": STEPS, "steps_per_epoch": 1, "batch_size": 8, "warmup_steps": 3}
DATED = ("created_at", "attributes_sha256")
DATED_FILES = ("zarr.json", "group.json")
REAL_DATASETS = ["coco_tiny-train", "mpiivideo16-val"]
OTHER_ENVIRONMENT = 3
"""Exit code: there is nothing to compare with."""


@click.command()
@click.option("--record", is_flag=True, help="Write the fingerprint instead of comparing with it.")
@click.option("--json", "as_json", is_flag=True, help="Print the fingerprint found.")
def main(record: bool, as_json: bool) -> None:
    """Hash what every stage makes of two small workspaces, and compare it with the recorded fingerprint."""
    found = {"environment": environment(), **fingerprints()}
    if as_json:
        click.echo(json.dumps(found, indent=2))
    if record:
        FINGERPRINT.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        click.echo(f"recorded in {FINGERPRINT}")
        return
    recorded = json.loads(FINGERPRINT.read_text(encoding="utf-8"))
    if recorded["environment"] != found["environment"]:
        click.echo(
            f"Nothing to compare with: recorded on {recorded['environment']}, this is {found['environment']}."
        )
        raise SystemExit(OTHER_ENVIRONMENT)
    differences = [line for name in found for line in different(name, recorded.get(name), found[name])]
    click.echo(
        "\n".join(differences) if differences else f"the same, bit for bit: {', '.join(list(found)[1:])}"
    )
    raise SystemExit(bool(differences))


def environment() -> dict[str, str]:
    """What decides how floating-point sums are rounded."""
    return {"cpu": torch.backends.cpu.get_cpu_capability(), **{name: version(name) for name in LIBRARIES}}


def different(name: str, recorded: dict[str, Any] | None, found: dict[str, Any]) -> list[str]:
    """A line for each entry that differs; none for a workspace that was not recorded."""
    if recorded is None:
        return []
    keys = sorted(recorded.keys() | found.keys())
    return [f"{name}: {key} differs" for key in keys if recorded.get(key) != found.get(key)]


def fingerprints() -> dict[str, dict[str, Any]]:
    """By workspace. The real sample is left out, visibly, where its pack is missing."""
    torch.set_num_threads(1)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        found["quickstart"] = fingerprint(_quickstart(Path(folder) / "quickstart"))
        if PACK.is_dir():
            found["real-sample"] = fingerprint(_real_sample(Path(folder) / "real-sample"))
        else:
            click.echo(f"skipped: real-sample, there is no {PACK} (KD_REALDATA)")
    return found


def fingerprint(workspace: Path) -> dict[str, Any]:
    """Runs every stage. Losses by step in full precision, and a hash of every other thing that was made."""
    for command in ("index-datasets", "extract-teachers", "train-student", "evaluate"):
        _run(command, "--workspace", str(workspace))
    student = workspace / "runs" / "student"
    return {
        "losses": [row.split("\t")[1] for row in _log(student).read_text().splitlines()[1:]],
        "student": hash_of(workspace, [student / "student.safetensors"]),
        **{f"crops/{p.name}": hash_of(p, p.rglob("*")) for p in sorted((workspace / "crops").iterdir())},
        **{
            _place(workspace, p): hash_of(p, p.rglob("*"))
            for p in sorted((workspace / "stores").glob("*/*.zarr"))
        },
        **{
            f"rows of {_place(workspace, p)}": _hash_rows(p)
            for p in sorted((workspace / "stores").glob("*/*.zarr"))
        },
        "evaluation": hash_of(workspace, (workspace / "evaluation").rglob("per_joint.csv")),
        "predictions": hash_of(workspace, (workspace / "evaluation" / "predictions").rglob("*.json")),
    }


def _quickstart(folder: Path) -> Path:
    _run("init", str(folder), "--template", "quickstart")
    for domain in ("synth_coco", "synth_mpii", "synth_aic"):
        images = [str(part) for option in QUICKSTART_IMAGES.items() for part in option]
        _run("synthesize", domain, "--out", str(folder / "data" / domain), *images)
    return _shortened(folder, {})


def _real_sample(folder: Path) -> Path:
    _run("init", str(folder), "--template", "real-sample", "--data", str(PACK.resolve()))
    few = {
        "cells": {"datasets": REAL_DATASETS},
        "train": {"datasets": REAL_DATASETS[:1]},
        "evaluate": {"datasets": REAL_DATASETS[1:]},
    }
    return _shortened(folder, few)


def _shortened(folder: Path, changes: dict[str, dict[str, Any]]) -> Path:
    path = folder / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    for section, values in changes.items():
        params[section] |= values
    params["train"] |= TRAINING | {"baselines": {}}
    params["evaluate"]["overlays"] = 0
    params["runtime"] = {"device": "cpu", "batch_size": 16, "workers": 0}
    params["datasets"] = {name: params["datasets"][name] for name in params["cells"]["datasets"]}
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    return folder


def _log(student: Path) -> Path:
    (log,) = student.rglob("loss/total.tsv")
    return log


def _place(workspace: Path, path: Path) -> str:
    return path.relative_to(workspace).as_posix()


def hash_of(root: Path, paths: Any) -> str:
    """Of names and contents."""
    found = hashlib.sha256()
    for path in sorted(path for path in paths if path.is_file()):
        content = _without_dates(path) if path.name in DATED_FILES else path.read_bytes()
        found.update(f"{_place(root, path)}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()


def _hash_rows(store: Path) -> str:
    """Of all arrays but the seal, which is of the files."""
    found = hashlib.sha256()
    for name, array in sorted(zarr.open_group(store, mode="r").arrays()):
        if name != "seal":
            found.update(f"{name}\0{array.dtype}\0{array.shape}\0".encode())
            found.update(array[:].tobytes())
    return found.hexdigest()


def _without_dates(metadata: Path) -> bytes:
    """All but when a store was made, and the hash that covers the date."""
    values = json.loads(metadata.read_bytes())
    kept = {name: value for name, value in values.get("attributes", {}).items() if name not in DATED}
    return json.dumps(values | {"attributes": kept}, sort_keys=True).encode()


def _run(*arguments: str) -> None:
    kd_pipeline.main(list(arguments), standalone_mode=False)


if __name__ == "__main__":
    main()
