"""Synthetic labels as COCO keypoint JSON."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from demo.datasets.labels import Labels, joints_of
from demo.rendering.picture import Picture

_PERSON = {"id": 1, "name": "person", "supercategory": "person"}


def coco_annotations(pictures: Sequence[Picture], convention: str) -> dict[str, Any]:
    """`images`, `annotations` and one category; keypoints are x, y, v; v is 0 (absent), 1 (hidden), 2 (seen).

    `area` is the person's visible pixels, as COCO's is its segment's.
    """
    annotations: list[dict[str, Any]] = []
    for picture in pictures:
        for person in picture.people:
            keypoints = _flat(person.labels[convention])
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": picture.image_id,
                    "category_id": 1,
                    "bbox": person.box.tolist(),
                    "area": person.visible_area,
                    "iscrowd": 0,
                    "num_keypoints": sum(v > 0 for v in keypoints[2::3]),
                    "keypoints": keypoints,
                }
            )
    category = {**_PERSON, "keypoints": list(joints_of(convention))}
    return {"images": [_image(p) for p in pictures], "annotations": annotations, "categories": [category]}


def coco_images(pictures: Sequence[Picture]) -> dict[str, Any]:
    """A list of images, as COCO's `image_info_unlabeled2017.json` is."""
    return {"images": [_image(picture) for picture in pictures], "categories": [_PERSON]}


def coco_detections(pictures: Sequence[Picture]) -> list[dict[str, Any]]:
    """People's boxes as detection results; every score is 1."""
    return [
        {"image_id": picture.image_id, "category_id": 1, "bbox": person.box.tolist(), "score": 1.0}
        for picture in pictures
        for person in picture.people
    ]


def _image(picture: Picture) -> dict[str, Any]:
    width, height = picture.size
    return {"id": picture.image_id, "file_name": picture.file_name, "width": width, "height": height}


def _flat(labels: Labels) -> list[float | int]:
    flat: list[float | int] = []
    for (x, y), v in zip(np.round(labels.keypoints.astype(float), 2), labels.visibility, strict=True):
        flat += [float(x), float(y), int(v)] if v else [0, 0, 0]
    return flat
