"""A workspace's student beside its teachers, crops to joints: `python -m benchmarks.student_speed --json`.

All in one process and in turns, on the CPU, without flip test: the student in PyTorch, a teacher in whatever
its adapter runs it in (onnxruntime for .onnx, PyTorch for MMPose). Crops are noise.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import torch

from benchmarks.cases.turns import Work, ratio, take_turns
from benchmarks.student_sizes import parameters
from pipeline.errors import KDError
from pipeline.geometry import CropGeometry
from pipeline.teachers.adapters.registry import build_teacher
from pipeline.workspace import Workspace
from student.inference.crop_inference import Predictor
from student.network.saved import WEIGHTS, load_student

STUDENT = "student"
CPU = torch.device("cpu")


@click.command()
@click.option(
    "--workspace", "root", type=click.Path(path_type=Path), default=Path("."), show_default="the current one"
)
@click.option("--batch", default=1, show_default=True, help="Crops at a time.")
@click.option("--threads", default=1, show_default=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=3.0, show_default=True, help="Of each network in each round.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(root: Path, batch: int, threads: int, rounds: int, seconds: float, as_json: bool) -> None:
    """Print crops per second and the file's size of each, and how many times as fast the student is."""
    torch.set_num_threads(threads)
    try:
        works, files, count = _networks(Workspace.open(root), batch)
    except KDError as error:
        raise click.ClickException(str(error)) from None
    found = take_turns(works, rounds, seconds)
    results = {
        "batch": batch,
        "threads": threads,
        "student_parameters_m": count / 1e6,
        "networks": {
            name: {
                "crops_per_s": found[name]["crops_per_s"],
                "ms_per_crop": 1000 / found[name]["crops_per_s"],
                "file_mb": files[name].stat().st_size / 1e6,
                "student_times_as_fast": ratio(found, STUDENT, name),
            }
            for name in works
        },
    }
    click.echo(json.dumps(results, indent=2) if as_json else _table(results))


def _networks(workspace: Workspace, batch: int) -> tuple[dict[str, Work], dict[str, Path], int]:
    """By name what answers a batch, and the file of its weights; and the student's number of parameters."""
    student = load_student(workspace.run, CPU)
    predictor = Predictor(student, CPU, flip_test=False)
    works = {STUDENT: _work(predictor.predict_crops, predictor.crop, batch)}
    files = {STUDENT: workspace.run / WEIGHTS}
    for name in workspace.params.cells.teachers:
        params = workspace.params.teachers[name].model_copy(update={"flip_test": False})
        teacher = build_teacher(name, params, workspace.root, CPU)
        works[name] = _work(teacher.predict, teacher.crop, batch)
        files[name] = workspace.path(params.checkpoint)
    return works, files, parameters(student)


def _work(answer: Callable[[torch.Tensor], Any], crop: CropGeometry, batch: int) -> Work:
    width, height = crop.input_size
    image_BHW3 = torch.randint(256, (batch, height, width, 3), dtype=torch.uint8)

    def work() -> int:
        answer(image_BHW3)
        return batch

    return work


def _table(results: dict[str, Any]) -> str:
    lines = [f"{'network':<20}{'crops/s':>10}{'ms/crop':>10}{'file, MB':>10}{'student is':>12}"]
    lines += [
        f"{name:<20}{of['crops_per_s']:10.1f}{of['ms_per_crop']:10.2f}{of['file_mb']:10.2f}"
        f"{of['student_times_as_fast']:10.1f} x"
        for name, of in results["networks"].items()
    ]
    return "\n".join([*lines, f"{results['student_parameters_m']:.2f} M parameters in the student"])


if __name__ == "__main__":
    main()
