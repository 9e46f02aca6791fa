"""Contact sheets: every model's predictions for some of a dataset's people, beside the labels."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from pipeline.conventions.convention import Convention
from pipeline.datasets.crop_table import CropTable
from pipeline.datasets.draw import contact_sheet, cut_out, draw_crop
from pipeline.datasets.image_files import read_image
from pipeline.files.atomic import write_atomically
from student.evaluation.predictions import JOINT_SCORE_THRESHOLD, Predictions

SIDE = 256
"""Pixels of a picture on the sheet."""


def write_overlays(
    path: Path, table: CropTable, convention: Convention, results: Mapping[str, Predictions], people: int
) -> Path | None:
    """A PNG with a row per person: the labels (where there are any), then each model.

    The people are spread evenly over the table. A joint scored below 0.2 is a ring, a confident one a disc;
    one that is not predicted is not drawn. Returns None, and writes nothing, where there is no person to
    draw.
    """
    rows = np.unique(np.linspace(0, len(table) - 1, min(people, len(table))).round().astype(int))
    if not rows.size:
        return None
    ordered = {model: predictions.in_order_of(table) for model, predictions in results.items()}
    tiles = [tile for row in rows for tile in _row_of_tiles(table, int(row), convention, ordered)]
    sheet = contact_sheet(tiles, columns=len(tiles) // len(rows))
    return write_atomically(path, cv2.imencode(".png", sheet)[1].tobytes())


def _row_of_tiles(
    table: CropTable, row: int, convention: Convention, ordered: Mapping[str, Predictions]
) -> list[UInt8[np.ndarray, "h w 3"]]:
    image_HW3 = read_image(table.image_path(row))
    drawn = {
        model: (p.keypoints[row], _visibility(p.scores[row], p.predicted)) for model, p in ordered.items()
    }
    if table.labelled.any():
        drawn = {"labels": (table.keypoints[row], table.visibility[row]), **drawn}
    bbox = table.bbox[row]
    return [
        _captioned(
            cut_out(draw_crop(image_HW3, keypoints_K2, visibility_K, convention, bbox), bbox, SIDE), name
        )
        for name, (keypoints_K2, visibility_K) in drawn.items()
    ]


def _visibility(scores_K: Float32[np.ndarray, "k"], predicted_K: np.ndarray) -> UInt8[np.ndarray, "k"]:
    return np.where(predicted_K, np.where(scores_K > JOINT_SCORE_THRESHOLD, 2, 1), 0).astype(np.uint8)


def _captioned(tile_HW3: UInt8[np.ndarray, "h w 3"], text: str) -> UInt8[np.ndarray, "h w 3"]:
    captioned = tile_HW3.copy()
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(captioned, text, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, thickness, cv2.LINE_AA)
    return captioned
