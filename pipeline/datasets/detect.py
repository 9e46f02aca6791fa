"""Boxes for a folder of pictures without annotations."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from pipeline.datasets.formats.detections import PERSON
from pipeline.datasets.image_files import inspect_image, locate, read_image
from pipeline.datasets.refusal import Refusal, Refused
from pipeline.errors import KDError
from pipeline.files.atomic import make_folder, write_atomically

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})

Detector = Callable[[UInt8[np.ndarray, "H W 3"]], tuple[Float32[np.ndarray, "n 4"], Float32[np.ndarray, "n"]]]
"""A BGR image to its people: boxes x1, y1, x2, y2 in image pixels, and scores."""


@dataclass(frozen=True)
class Detections:
    """What `detect_people` did."""

    images: int
    people: int
    refused: list[Refusal]


def whole_picture(
    image_HW3: UInt8[np.ndarray, "H W 3"],
) -> tuple[Float32[np.ndarray, "1 4"], Float32[np.ndarray, "1"]]:
    """A detector for pictures that are one person's crop each: the box is the picture."""
    height, width = image_HW3.shape[:2]
    return np.array([[0, 0, width, height]], np.float32), np.ones(1, np.float32)


def detect_people(
    images: Path,
    detector: Detector,
    out: Path,
    min_score: float = 0.05,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Detections:
    """Write the people in every picture under `images` to `out`, as COCO detection results.

    Each entry also has the `file_name`, relative to `images`, that a dataset of format `images` reads. A
    picture that is broken, or a link out of the folder, is refused and does not stop the run. `out` appears
    when all is done.

    Raises:
        KDError: no pictures there, none that can be read, or `out` cannot be written.
    """
    names = _names(images)
    make_folder(out.parent)
    results: list[dict] = []
    refused: list[Refusal] = []
    for number, name in enumerate(names, start=1):
        try:
            results += _detect(images, name, number, detector, min_score)
        except Refused as refusal:
            refused.append(refusal.of(os.fsencode(name).decode(errors="backslashreplace"), None))
        progress(number, len(names))
    if len(refused) == len(names):
        raise KDError(
            f"none of the {len(names)} pictures in {images} can be read, for example {refused[0].image}: "
            f"{refused[0].detail}. Replace them, or name another folder."
        )
    write_atomically(out, json.dumps(results))
    return Detections(len(names) - len(refused), len(results), refused)


def _names(images: Path) -> list[str]:
    if not images.is_dir():
        raise KDError(f"there is no folder {images}. Name the folder that holds the pictures.")
    paths = (path for path in images.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    names = sorted(path.relative_to(images).as_posix() for path in paths)
    if not names:
        raise KDError(
            f"there is no picture in {images}. Name a folder with files ending in "
            f"{', '.join(sorted(IMAGE_SUFFIXES))}."
        )
    return names


def _detect(images: Path, name: str, number: int, detector: Detector, min_score: float) -> list[dict]:
    path = locate(images.resolve(), name)
    inspect_image(path)
    boxes, scores = detector(read_image(path))
    return _entries(name, number, boxes, scores, min_score)


def _entries(
    name: str,
    number: int,
    boxes: Float32[np.ndarray, "n 4"],
    scores: Float32[np.ndarray, "n"],
    min_score: float,
) -> list[dict]:
    usable = np.isfinite(boxes).all(axis=1) & (scores >= min_score)
    entries: Sequence[tuple[np.ndarray, float]] = list(zip(boxes[usable], scores[usable], strict=True))
    return [
        {
            "image_id": number,
            "file_name": name,
            "category_id": PERSON,
            "bbox": [float(x1), float(y1), float(x2 - x1), float(y2 - y1)],
            "score": float(score),
        }
        for (x1, y1, x2, y2), score in entries
    ]
