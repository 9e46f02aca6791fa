"""`kd-pipeline synthesize`: the embedded default's datasets."""

from pathlib import Path

import click


@click.command("synthesize")
@click.argument("domain")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option(
    "--train", "train_images", type=click.IntRange(1), default=300, show_default=True, help="Images."
)
@click.option("--val", "val_images", type=click.IntRange(1), default=80, show_default=True, help="Images.")
@click.option(
    "--unlabelled",
    "unlabelled_images",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Images with boxes alone.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Another one renders other people."
)
def synthesize(
    domain: str, out: Path, train_images: int, val_images: int, unlabelled_images: int, seed: int
) -> None:
    """Render people with known joints: images and annotations of one synthetic DOMAIN.

    The same seed gives the same bytes.
    """
    from demo.datasets.generate import generate_domain

    generate_domain(domain, out, train_images, val_images, seed, unlabelled_images=unlabelled_images)
    total = train_images + val_images + unlabelled_images
    click.echo(f"{domain}: {total} images, {unlabelled_images} of them unlabelled -> {out}")
