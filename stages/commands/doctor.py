"""`kd-pipeline doctor`: what this installation can do, and how to fix what it cannot."""

import importlib
import importlib.metadata
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click

REINSTALL = "reinstall from the repository with `make install`"
MODULES = {
    "torch": REINSTALL,
    "torchvision": "install the torchvision release that belongs to this torch: `make install`",
    "zarr": REINSTALL,
    "numcodecs": REINSTALL,
    "pycocotools": REINSTALL,
    "cv2": "install opencv-python-headless",
    "onnxruntime": "install onnxruntime (onnxruntime-gpu for CUDA); only ONNX teachers need it",
    "pyarrow": REINSTALL,
    "dvc": REINSTALL,
    "dvclive": REINSTALL,
}
DISTRIBUTIONS = {"cv2": "opencv-python-headless"}


@dataclass(frozen=True)
class Finding:
    """One line of the report; `remedy` is empty where nothing is wrong."""

    subject: str
    found: str
    remedy: str = ""


@click.command("doctor")
def doctor() -> None:
    """Print versions, GPU, what is importable and what is missing, and how to fix it.

    Exit code 1 if something needs fixing.
    """
    findings = list(_findings())
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        mark = "!!" if finding.remedy else "ok"
        click.echo(f"{mark}  {finding.subject:{width}}  {finding.found}")
        if finding.remedy:
            click.echo(f"    {'':{width}}  to fix: {finding.remedy}")
    if any(finding.remedy for finding in findings):
        raise SystemExit(1)


def _findings() -> Iterator[Finding]:
    yield Finding("python", f"{platform.python_version()} ({sys.executable})")
    yield from (_module(name, remedy) for name, remedy in MODULES.items())
    yield _attempt(
        "mmpose, mmdet", _openmmlab, REINSTALL + "; only MMPose teachers and MMDetection need them"
    )
    yield _attempt("GPU", _gpu, "torch cannot be asked for a GPU; " + REINSTALL)
    yield _attempt("onnxruntime providers", _providers, "install onnxruntime")
    yield from (_program(name) for name in ("git", "dvc", "kd-pipeline"))


def _module(name: str, remedy: str) -> Finding:
    def version() -> str:
        importlib.import_module(name)
        return importlib.metadata.version(DISTRIBUTIONS.get(name, name))

    return _attempt(name, version, remedy)


def _attempt(subject: str, look: Callable[[], str], remedy: str) -> Finding:
    """A broken installation can raise anything, and whatever it raises is the finding."""
    try:
        return Finding(subject, look())
    except Exception as error:
        return Finding(subject, f"{type(error).__name__}: {error}", remedy)


def _openmmlab() -> str:
    from pipeline.teachers.adapters.mmpose.ext import openmmlab_versions

    return openmmlab_versions()


def _gpu() -> str:
    import torch

    if not torch.cuda.is_available():
        return "none that torch can use: extraction and training run on the CPU"
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return f"CUDA {torch.version.cuda}: {', '.join(names)}"


def _providers() -> str:
    import onnxruntime

    return ", ".join(onnxruntime.get_available_providers())


def _program(name: str) -> Finding:
    place = shutil.which(name)
    remedy = (
        "" if place else "activate the virtual environment, or install it" if name != "git" else "install git"
    )
    return Finding(f"{name} (command)", place or "not on PATH", remedy)
