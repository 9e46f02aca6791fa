"""Draw people of a COCO split whose photographs may be shown, with labels and students side by side.

    python demo/photographs.py --workspace ../real --out docs/photographs.jpg

Only photographs under Creative Commons' Attribution licence are taken, and each is attributed below the
picture, from the licences and Flickr addresses in COCO's own annotation file.
"""

from itertools import zip_longest
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np

from pipeline.datasets.formats.json_file import read_json
from pipeline.datasets.image_files import read_image
from pipeline.errors import KDError
from pipeline.files.atomic import write_atomically
from pipeline.workspace import Workspace
from student.evaluation.evaluate import score_workspace
from student.evaluation.figures.lettering import paragraph
from student.evaluation.figures.person_panels import GAP, INK, PAPER, Columns, person_row

LICENCE = "Attribution License"
"""As COCO's `licenses` name Creative Commons BY 2.0. Names with more words are of other licences."""
LINE_HEIGHT = 22


@click.command()
@click.option(
    "--workspace", "root", type=click.Path(path_type=Path), default=Path("../real"), show_default=True
)
@click.option("--dataset", default="coco_tiny-val", show_default=True)
@click.option("--image", "images", type=int, multiple=True, help="Ids of photographs.  [default: all]")
@click.option("--joints", default=13, show_default=True, help="Labelled ones that a person has at least.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("docs/photographs.jpg"), show_default=True
)
def main(root: Path, dataset: str, images: tuple[int, ...], joints: int, out: Path) -> None:
    """Write the picture, two people to a row, each as image, labels, other students, the student."""
    try:
        click.echo(_draw(root, dataset, images, joints, out))
    except KDError as error:
        raise click.ClickException(str(error)) from None


def _draw(root: Path, dataset: str, images: tuple[int, ...], joints: int, out: Path) -> str:
    workspace = Workspace.open(root)
    source_of = _sources(read_json(workspace.path(workspace.dataset(dataset).annotations)))
    evaluate = workspace.params.evaluate.model_copy(update={"datasets": (dataset,)})
    params = workspace.params.model_copy(update={"evaluate": evaluate})
    report = score_workspace(Workspace(root, params), with_teachers=False)
    split = report.splits[dataset]
    columns = Columns((), report.students)
    people, shown = [], []
    for row in range(len(split.table)):
        image = int(split.table.image_id[row])
        wanted = image in source_of and (not images or image in images)
        if wanted and (split.table.visibility[row] > 0).sum() >= joints:
            people.append(person_row(split, row, read_image(split.table.image_path(row)), columns))
            shown.append(image)
    if not people:
        raise KDError(
            f"no person with {joints} labelled joints is on a photograph of {dataset} that may be shown "
            f"({LICENCE}). Lower --joints, or name other photographs with --image."
        )
    addresses = ", ".join(source_of[image] for image in dict.fromkeys(shown))
    text = f"Photographs from Flickr by way of COCO, CC BY 2.0: {addresses}"
    blank = np.full_like(people[0], PAPER)
    pairs = zip_longest(people[::2], people[1::2], fillvalue=blank)
    rows = [np.hstack([left, blank[:, :GAP], right]) for left, right in pairs]
    rows.append(paragraph(rows[0].shape[1], LINE_HEIGHT, text, INK, PAPER))
    gap = np.full((GAP, rows[0].shape[1], 3), PAPER, np.uint8)
    picture = np.vstack([part for row in rows for part in (row, gap)])
    write_atomically(out, cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes())
    return f"{out}: {len(shown)} people on {len(set(shown))} photographs"


def _sources(annotations: dict[str, Any]) -> dict[int, str]:
    """By image id, where a photograph under the licence is from."""
    names = {licence["id"]: licence["name"] for licence in annotations["licenses"]}
    return {
        image["id"]: image["flickr_url"].partition("://")[2]
        for image in annotations["images"]
        if names[image["license"]] == LICENCE
    }


if __name__ == "__main__":
    main()
