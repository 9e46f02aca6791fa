"""Parameters and multiply-accumulates of every student: `python -m benchmarks.student_sizes --json`."""

import json
from typing import Any

import click
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import build_union
from pipeline.extensions import BACKBONES, HEADS
from pipeline.params import StudentParams
from student.network.config import StudentConfig
from student.network.pose_student import PoseStudent


@click.command()
@click.option("--input", "input_size", type=(int, int), default=(192, 256), show_default=True)
@click.option("--output-stride", type=click.Choice(["16", "32"]), default="32", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(input_size: tuple[int, int], output_stride: str, as_json: bool) -> None:
    """Of every backbone with every head, for COCO's 17 joints."""
    sizes = [
        {"backbone": backbone, "head": head, **size_of(backbone, head, input_size, int(output_stride))}
        for backbone in BACKBONES.own
        for head in HEADS
    ]
    click.echo(json.dumps(sizes, indent=2) if as_json else _table(sizes))


def size_of(
    backbone: str, head: str, input_size: tuple[int, int], output_stride: int = 32
) -> dict[str, float]:
    """Millions of parameters, and billions of multiply-accumulates for one crop."""
    params = StudentParams(backbone=backbone, head=head, input_size=input_size, output_stride=output_stride)
    with torch.device("meta"):
        student = PoseStudent(StudentConfig.from_params(params, build_union([load_convention("coco17")])))
        image_B3HW = torch.empty(1, 3, input_size[1], input_size[0])
    return {"parameters_m": parameters(student) / 1e6, "macs_g": macs(student.eval(), image_B3HW) / 1e9}


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def macs(network: nn.Module, image_B3HW: torch.Tensor) -> int:
    """Of convolutions and matrix products; PyTorch counts two operations for each."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(image_B3HW)
    return counter.get_total_flops() // 2


def _table(sizes: list[dict[str, Any]]) -> str:
    lines = [f"{'backbone':<20}{'head':<10}{'M parameters':>14}{'G MACs':>10}"]
    lines += [
        f"{size['backbone']:<20}{size['head']:<10}{size['parameters_m']:14.2f}{size['macs_g']:10.2f}"
        for size in sizes
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
