"""`kd-pipeline detect-people`: person boxes for a folder of unlabelled images."""

from pathlib import Path

import click

from stages.progress import ProgressBar


@click.command("detect-people")
@click.argument("images", type=click.Path(path_type=Path))
@click.option("--config", required=True, help="mmdet::..., or the path of an MMDetection config.")
@click.option("--checkpoint", required=True, type=click.Path(path_type=Path), help="Its checkpoint.")
@click.option("--sha256", help="The checkpoint's SHA-256, checked before it is loaded.")
@click.option("--min-score", type=click.FloatRange(0, 1), default=0.3, show_default=True)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="JSON to write (COCO detection results)."
)
@click.option("--device", default="auto", show_default=True)
def detect_people(
    images: Path, config: str, checkpoint: Path, sha256: str | None, min_score: float, out: Path, device: str
) -> None:
    """Write the person boxes of every image in the folder IMAGES.

    In params.yaml the result is the `annotations` of a dataset of format `images`, which teachers alone
    supervise.
    """
    from pipeline.datasets.detect import detect_people as detect
    from pipeline.teachers.device import resolve_device
    from pipeline.teachers.mm.mmdet_detector import PersonDetector

    detector = PersonDetector(config, checkpoint, resolve_device(device), sha256)
    with ProgressBar("detecting", "images") as progress:
        detections = detect(images, detector, out, min_score=min_score, progress=progress)
    click.echo(f"{detections.people} people in {detections.images} images -> {out}")
    for refusal in detections.refused:
        click.echo(f"  refused {refusal.image}: {refusal.reason} {refusal.detail}")
