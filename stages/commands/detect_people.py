"""`kd-pipeline detect-people`: person boxes for a folder of unlabelled images."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.errors import KDError
from stages.terminal.progress import ProgressBar

if TYPE_CHECKING:
    from pipeline.datasets.detect import Detector


@click.command("detect-people")
@click.argument("images", type=click.Path(path_type=Path))
@click.option("--config", help="mmdet::..., or the path of an MMDetection config.")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Its checkpoint.")
@click.option("--sha256", help="The checkpoint's SHA-256, checked before it is loaded.")
@click.option(
    "--whole-pictures",
    is_flag=True,
    help="Instead of a detector: every picture shows one person, whose box is the picture.",
)
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    default=0.3,
    show_default=True,
    help="Leave out boxes of lower scores.",
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="JSON to write (COCO detection results)."
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
def detect_people(
    images: Path,
    config: str | None,
    checkpoint: Path | None,
    sha256: str | None,
    whole_pictures: bool,
    min_score: float,
    out: Path,
    device: str,
) -> None:
    """Write the person boxes of every image in the folder IMAGES.

    In params.yaml the result is the `annotations` of a dataset of format `images`, which teachers alone
    supervise.
    """
    from pipeline.datasets.detect import detect_people as detect
    from pipeline.datasets.detect import whole_picture

    _check_choice(config, checkpoint, whole_pictures)
    detector = whole_picture if whole_pictures else _detector(config, checkpoint, sha256, device)
    with ProgressBar("detecting", "images") as progress:
        detections = detect(images, detector, out, min_score=min_score, progress=progress)
    click.echo(f"{detections.people} people in {detections.images} images -> {out}")
    for refusal in detections.refused:
        click.echo(f"  refused {refusal.image}: {refusal.reason} {refusal.detail}")


def _check_choice(config: str | None, checkpoint: Path | None, whole_pictures: bool) -> None:
    if whole_pictures and (config or checkpoint):
        raise KDError(
            "--whole-pictures needs no detector, but one is named. Leave out --config and --checkpoint, or "
            "--whole-pictures."
        )
    if not whole_pictures and not (config and checkpoint):
        raise KDError(
            "no detector is named. Name one of MMDetection's with --config and --checkpoint; or, where every "
            "picture shows one person and little else, give --whole-pictures."
        )


def _detector(config: str, checkpoint: Path, sha256: str | None, device: str) -> "Detector":
    from pipeline.device import resolve_device
    from pipeline.teachers.adapters.mmpose.mmdet_detector import PersonDetector

    return PersonDetector(config, checkpoint, resolve_device(device), sha256)
