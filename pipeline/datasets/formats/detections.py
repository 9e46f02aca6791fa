"""Boxes from a detector, in COCO's results format, in place of annotated ones or where there are none."""

from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.datasets.annotations import (
    NO_ANNOTATION,
    Annotations,
    ImageEntry,
    Person,
    file_name_of,
    integer_of,
    number_of,
    object_of,
)
from pipeline.datasets.formats.json_file import BOXES, wrong_format
from pipeline.datasets.refusal import Reason, Refused
from pipeline.errors import KDError
from pipeline.params import DatasetParams

PERSON = 1
"""COCO's category of people; MMPose ignores other detections, and so does this reader. Detectors that count
from 0, as YOLO's do, call it 0."""


def read_detections(
    value: Any, source: Path, params: DatasetParams, images: Mapping[int, ImageEntry] | None
) -> Annotations:
    """One unlabelled person per detected person box whose score reaches `min_box_score`.

    With `images` (an annotated dataset's, or a list of images), an entry names its image by file name or else
    by image id. Without, a file name is needed. Boxes are not clipped, as in MMPose.

    Raises:
        KDError: the value is no list of detection results, or no entry has a file name where that is needed.
    """
    if not _is_detections(value):
        raise wrong_format(source, BOXES, value)
    if images is None and value and not any("file_name" in entry for entry in value if _is_object(entry)):
        raise _no_file_names(source, value)
    annotations = Annotations(images=dict(images or {}))
    find = _Images(images, params.strip_prefix)
    people = people_category(value)
    for entry in value:
        image = None
        try:
            entry = object_of(entry)
            if entry.get("category_id", people) not in (people, str(people)):
                continue
            image = find(entry)
            score = _score(entry)
            if score < params.min_box_score:
                continue
            annotations.people.append(_person(entry, image, score))
        except Refused as refused:
            annotations.refused.append(refused.of(image and image.file_name, None))
    return annotations


def _is_detections(value: Any) -> bool:
    return isinstance(value, list) and (
        not value or any(_is_object(entry) and {"bbox", "score"} <= entry.keys() for entry in value)
    )


def people_category(value: list) -> int:
    """COCO's, or 0 in files that count from 0: COCO itself has no category 0."""
    counted_from_0 = any(_is_object(entry) and entry.get("category_id") in (0, "0") for entry in value)
    return 0 if counted_from_0 else PERSON


def _is_object(entry: Any) -> bool:
    return isinstance(entry, Mapping)


def _no_file_names(source: Path, value: list) -> KDError:
    """COCO's own detection results are so: only the list of images says which file an image id means."""
    return KDError(
        f"the {len(value)} boxes of {source} say their images by image_id alone, and nothing says which file "
        "that is. Name the COCO file that lists the images (image_info_*.json, or any with `images`) as the "
        "dataset's `annotations`, and these boxes as its `boxes`; or give every box a file_name."
    )


class _Images:
    """The image an entry means; without a list of images, every file name is one, numbered as it comes."""

    def __init__(self, images: Mapping[int, ImageEntry] | None, strip_prefix: str) -> None:
        self._listed = images
        self._by_name = {image.file_name: image for image in (images or {}).values()}
        self._strip_prefix = strip_prefix

    def __call__(self, entry: Mapping[str, Any]) -> ImageEntry:
        if self._listed is None:
            return self._unlisted(entry)
        if "file_name" in entry:
            return self._known(self._by_name.get(file_name_of(entry, "file_name", self._strip_prefix)), entry)
        return self._known(self._listed.get(integer_of(entry, "image_id")), entry)

    def _known(self, image: ImageEntry | None, entry: Mapping[str, Any]) -> ImageEntry:
        if image is None:
            wanted = entry.get("file_name", entry.get("image_id"))
            raise Refused(Reason.UNKNOWN_IMAGE, f"{wanted!r} is not among the annotations' images")
        return image

    def _unlisted(self, entry: Mapping[str, Any]) -> ImageEntry:
        name = file_name_of(entry, "file_name", self._strip_prefix)
        if name not in self._by_name:
            image_id = integer_of(entry, "image_id") if "image_id" in entry else len(self._by_name) + 1
            self._by_name[name] = ImageEntry(image_id, name)
        return self._by_name[name]


def _score(entry: Mapping[str, Any]) -> float:
    score = number_of(entry.get("score"))
    if score is None or not 0 <= score <= np.finfo(np.float32).max:
        raise Refused(Reason.MALFORMED, f"score is {entry.get('score')!r}, wanted a number, 0 or more")
    return score


def _person(entry: Mapping[str, Any], image: ImageEntry, score: float) -> Person:
    bbox = entry.get("bbox")
    return Person(
        image=image,
        annotation_id=NO_ANNOTATION,
        bbox=bbox[:4] if isinstance(bbox, list | array) else bbox,
        box_score=score,
        has_stable_id=False,
        clip_box=False,
    )
