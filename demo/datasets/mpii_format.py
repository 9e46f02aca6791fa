"""Synthetic labels as the MPII JSON list that MMPose distributes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from demo.datasets.labels import Labels
from demo.rendering.picture import Picture
from demo.rendering.scene import Person


def mpii_annotations(pictures: Sequence[Picture]) -> list[dict[str, Any]]:
    """One entry per person; `joints_vis` is 1 for every joint inside the image, hidden or not."""
    return [_entry(picture, person) for picture in pictures for person in picture.people]


def _entry(picture: Picture, person: Person) -> dict[str, Any]:
    centre, scale = _centre_and_scale(person)
    labels = person.labels["mpii16"]
    return {
        "image": picture.file_name,
        "center": centre,
        "scale": scale,
        "joints": _joints(labels),
        "joints_vis": [int(v > 0) for v in labels.visibility],
    }


def _centre_and_scale(person: Person) -> tuple[list[float], float]:
    """Such that MpiiDataset's square box is the person's, its side the person's longer one.

    mmpose/datasets/datasets/body/mpii_dataset.py: side = 200 scale; the centre is one-based, and lies
    15 scale pixels above the box's.
    """
    x, y, width, height = person.box
    scale = round(float(max(width, height)) / 200, 6)
    return [round(float(x + width / 2 + 1), 2), round(float(y + height / 2 + 1 - 15 * scale), 2)], scale


def _joints(labels: Labels) -> list[list[float]]:
    rounded = np.round(labels.keypoints.astype(float), 2)
    return [
        [float(x), float(y)] if v else [-1.0, -1.0]
        for (x, y), v in zip(rounded, labels.visibility, strict=True)
    ]
