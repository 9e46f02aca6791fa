"""People with the joints of labels, teachers and students, side by side; and one sheet of all datasets."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from pipeline.datasets.annotations import NO_ANNOTATION
from pipeline.datasets.image_files import read_image
from pipeline.files.atomic import write_atomically
from student.evaluation.chosen_people import mean_errors, spread_over_errors
from student.evaluation.figures.lettering import paragraph, strip
from student.evaluation.figures.person_panels import GAP, INK, PAPER, Columns, person_row
from student.evaluation.split_evaluation import SplitEvaluation

SHEET = "side_by_side.png"
SHEET_PEOPLE, SHEET_PEOPLE_OF_ONE = 12, 3
"""On the sheet: of all datasets together, about, and at most of one."""
LEGEND = (
    "Nobody picked these people: they stand at evenly spread ranks of the {model}'s error on each dataset "
    "(mean distance of joints to their labels, of the box's diagonal), the smallest first; without labels, "
    "evenly over the dataset. 12/17: of the labels of 17 joints that the model predicts, 12 are met (PCK@0.2 "
    "of the torso). A pink line leads from a joint that misses to its label. The person's left is orange, "
    "the right blue. A ring is an occluded label, or a joint scored below 0.2."
)
_HEADING_HEIGHT, _LINE_HEIGHT = 30, 24
_BAND, _BAND_INK = (95, 65, 40), (255, 255, 255)


def write_side_by_side(
    folder: Path, splits: Mapping[str, SplitEvaluation], columns: Columns, people: int
) -> Path | None:
    """For `people` people of every split a picture, `<split>/01.png` and so on; for some of them, one sheet.

    Returns the sheet; None, and writes nothing, where there is no person to draw.
    """
    drawn = {name: split for name, split in splits.items() if people and len(split.table)}
    if not drawn:
        return None
    legend = paragraph(columns.width, _LINE_HEIGHT, LEGEND.format(model=columns.first), INK, PAPER)
    of_one = min(people, SHEET_PEOPLE_OF_ONE, max(1, SHEET_PEOPLE // len(drawn)))
    parts = [legend]
    for name, split in drawn.items():
        for number, picture in enumerate(_rows(split, columns, people), 1):
            _write(folder / name / f"{number:02d}.png", [_band(split, columns), picture, legend])
        parts += [_band(split, columns), *_rows(split, columns, of_one)]
    return _write(folder / SHEET, parts)


def _rows(split: SplitEvaluation, columns: Columns, people: int) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """People with a line above each, which says who it is."""
    model = columns.first if columns.first in split.results else next(iter(split.results))
    error_N = mean_errors(split.table, split.ordered[model])
    ranked = int(np.isfinite(error_N).sum())
    for row in spread_over_errors(error_N, people).tolist():
        who, annotation = split.table.image[row], int(split.table.annotation_id[row])
        if annotation != NO_ANNOTATION:
            who += f", annotation {annotation}"
        if ranked:
            rank = int((error_N < error_N[row]).sum()) + 1
            who = f"{model}'s error {100 * error_N[row]:.1f} %, rank {rank} of {ranked}: {who}"
        line = strip(columns.width, _LINE_HEIGHT, who, INK, PAPER)
        yield np.vstack([line, person_row(split, row, read_image(split.table.image_path(row)), columns)])


def _band(split: SplitEvaluation, columns: Columns) -> UInt8[np.ndarray, "h w 3"]:
    text = f"{split.table.dataset} ({split.convention.name})"
    return strip(columns.width, _HEADING_HEIGHT, text, _BAND_INK, _BAND)


def _write(path: Path, parts: list[UInt8[np.ndarray, "_ w 3"]]) -> Path:
    gap = np.full((2 * GAP, parts[0].shape[1], 3), PAPER, np.uint8)
    picture = np.vstack([part for pair in parts for part in (pair, gap)][:-1])
    return write_atomically(path, cv2.imencode(".png", picture)[1].tobytes())
