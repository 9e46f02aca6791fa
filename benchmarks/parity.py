"""How far our RTMPose is from MMPose's: `python -m benchmarks.parity --json`.

MMPose builds a network of each size from its stock config, for each input size; every weight and every
statistic is drawn at random, so that none hides behind a 0 or a 1. A student takes its state dict by key, and
both look at the same noise. With `--people`, a student also starts from the real-data pack's RTMPose-t, as
`student.init.rtmpose` has it, and both look at so many real people.

Legend: B crops, H and W rows and columns.
"""

import json
from typing import Any

import click
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from benchmarks.cases.cell_case import REAL, pack, table_for, teacher_called
from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import build_union
from pipeline.errors import KDError
from pipeline.extraction.crop_batches import CropBatches
from pipeline.params import StudentParams
from student.network.config import StudentConfig
from student.network.init.initial_student import initial_student
from student.network.pose_student import PoseStudent

SIZES = ("t", "s", "m")
INPUTS = ((192, 256), (256, 256), (288, 384))
CROPS = 2
CHECKPOINT = "rtmpose-t"
"""As cell_case.REAL names it."""
STOCK = "mmpose::body_2d_keypoint/rtmpose/coco/rtmpose-{}_8xb256-420e_coco-256x192.py"


@click.command()
@click.option("--size", "sizes", multiple=True, type=click.Choice(SIZES), default=SIZES)
@click.option("--seed", default=0, show_default=True)
@click.option("--people", default=0, show_default=True, help="Of the pack's, for its checkpoint.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(sizes: tuple[str, ...], seed: int, people: int, as_json: bool) -> None:
    """Print the largest difference of features and SimCC vectors, beside the largest value."""
    found = [
        {"size": size, "input": list(input_size), **differences(size, input_size, seed)}
        for size in sizes
        for input_size in INPUTS
    ]
    try:
        found += [{"size": "real t", "input": [192, 256], **real_differences(people)}] if people else []
    except KDError as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(found, indent=2) if as_json else _table(found))


@torch.inference_mode()
def differences(size: str, input_size: tuple[int, int], seed: int) -> dict[str, float]:
    """Largest absolute ones, and MMPose's largest absolute values."""
    torch.manual_seed(seed)
    theirs = mmpose_network(size, input_size)
    randomise(theirs)
    ours = student_of(size, input_size)
    ours.load_state_dict(theirs.state_dict())
    image_B3HW = torch.randn(CROPS, 3, input_size[1], input_size[0])
    their_feature, our_feature = theirs.backbone(image_B3HW)[-1], ours.backbone(image_B3HW)
    their_x, their_y = theirs.head((their_feature,))
    our_x, our_y = ours.head.simcc(our_feature)
    return (
        _compared("feature", our_feature, their_feature)
        | _compared("simcc_x", our_x, their_x)
        | _compared("simcc_y", our_y, their_y)
    )


@torch.inference_mode()
def real_differences(people: int) -> dict[str, float]:
    """The same of SimCC vectors, for the pack's checkpoint and people."""
    teacher = teacher_called(CHECKPOINT, flip_test=False)
    params = StudentParams(backbone="cspnext_t", head="rtmcc", init={"rtmpose": REAL[CHECKPOINT].checkpoint})
    config = StudentConfig.from_params(params, build_union([load_convention("coco17")]))
    student = initial_student(config, params, pack()).student.eval()
    batches = CropBatches(table_for(CHECKPOINT, people, pack()), teacher.crop)
    image_BHW3 = batches.request(np.arange(people)).images_BHW3
    their = teacher.network(image_BHW3)
    our_x, our_y = student.head.simcc(student.backbone(student.normalise(image_BHW3)))
    return _compared("simcc_x", our_x, their.x_BKW) | _compared("simcc_y", our_y, their.y_BKW)


def mmpose_network(size: str, input_size: tuple[int, int]) -> nn.Module:
    """MMPose's own RTMPose of COCO, as it infers, for this input size (width, height)."""
    from pipeline.teachers.adapters.mmpose.config import load_config, network_config, scope  # takes seconds

    from mmpose.models.builder import build_pose_estimator  # isort: skip

    settings = network_config(load_config(STOCK.format(size)))
    settings.head.update(input_size=input_size, in_featuremap_size=[side // 32 for side in input_size])
    settings.head.decoder.update(input_size=input_size)
    with scope("mmpose"):
        return build_pose_estimator(settings).eval()


def student_of(size: str, input_size: tuple[int, int]) -> PoseStudent:
    params = StudentParams(backbone=f"cspnext_{size}", head="rtmcc", input_size=input_size)
    return PoseStudent(StudentConfig.from_params(params, build_union([load_convention("coco17")]))).eval()


def randomise(network: nn.Module) -> None:
    """Every weight and statistic, such that values neither vanish nor explode on their way."""
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var") or tensor.ndim == 1 and name.endswith(("weight", "scale", "g")):
            tensor.uniform_(0.5, 1.5)
        elif tensor.ndim == 1:
            tensor.normal_(0.0, 0.3)
        elif tensor.ndim > 1:
            tensor.normal_(0.0, tensor[0].numel() ** -0.5)


def _compared(name: str, our: Float[Tensor, "*n"], their: Float[Tensor, "*n"]) -> dict[str, float]:
    return {
        f"{name}_difference": float((our - their).abs().max()),
        f"{name}_largest": float(their.abs().max()),
    }


def _table(found: list[dict[str, Any]]) -> str:
    names = ("feature", "simcc_x", "simcc_y")
    lines = [f"{'size':<8}{'input':<10}" + "".join(f"{name:>24}" for name in names)]
    for row in found:
        cells = [_cell(row, name) for name in names]
        size = "{} x {}".format(*row["input"])
        lines.append(f"{row['size']:<8}{size:<10}" + "".join(f"{cell:>24}" for cell in cells))
    return "\n".join(lines)


def _cell(row: dict[str, Any], name: str) -> str:
    difference = row.get(f"{name}_difference")
    return "" if difference is None else f"{difference:.1e} of {row[f'{name}_largest']:.2f}"


if __name__ == "__main__":
    main()
