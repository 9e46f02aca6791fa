"""PoseTrack18: COCO-style, one file a video or all in one, with a flag that only says labelled or not."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.datasets.annotations import Annotations, AnnotationSource
from pipeline.datasets.formats.coco import read_coco
from pipeline.datasets.formats.json_file import COCO, read_json, wrong_format
from pipeline.errors import KDError


def read(source: AnnotationSource) -> Annotations:
    """Format `posetrack18`: the images and people of a joint file (MMPose's `posetrack18_val.json`) or of a
    folder of video files.

    Raises:
        KDError: no JSON in the folder, or a file that is no COCO-style keypoint file.
    """
    path = source.path
    value = _merged(path) if path.is_dir() else read_json(path)
    annotations = read_coco(value, path, source.convention, source.params)
    people = annotations.people
    for row, person in enumerate(people):
        people[row] = replace(person, binary_visibility=True)
    return annotations


def _merged(folder: Path) -> dict[str, Any]:
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise KDError(
            f"{folder} holds no .json file, but PoseTrack18's annotations were wanted: one JSON a video."
        )
    merged: dict[str, Any] = {"categories": [], "images": [], "annotations": []}
    for path in paths:
        video = read_json(path)
        if not isinstance(video, Mapping) or not isinstance(video.get("images"), list):
            raise wrong_format(path, COCO, video)
        for key, entries in merged.items():
            found = video.get(key) or []
            if not isinstance(found, list):
                raise wrong_format(path, COCO, video)
            entries.extend(found)
    return merged
