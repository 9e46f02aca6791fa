"""MPII as MMPose distributes it: a JSON list, one entry a person, with center and scale for a box."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.datasets.annotations import (
    Annotations,
    AnnotationSource,
    ImageEntry,
    Person,
    file_name_of,
    object_of,
)
from pipeline.datasets.formats.json_file import MPII, read_json, wrong_format
from pipeline.datasets.refusal import Reason, Refused
from pipeline.params import DatasetParams

PIXEL_STD = 200.0
"""MPII's scale is the person's height over 200 px."""


def read(source: AnnotationSource) -> Annotations:
    """Format `mpii`: `read_mpii` of the source's file."""
    return read_mpii(read_json(source.path), source.path, source.params)


def read_mpii(value: Any, source: Path, params: DatasetParams) -> Annotations:
    """The people of one parsed MPII list. An image's id is the number in its file name, as in MMPose.

    Raises:
        KDError: the value is no MPII list.
    """
    if not _is_mpii(value):
        raise wrong_format(source, MPII, value)
    annotations = Annotations()
    ids = _image_ids(value)
    for position, entry in enumerate(value):
        try:
            person = _person(object_of(entry), position, ids, params.strip_prefix)
        except Refused as refused:
            name = entry.get("image") if isinstance(entry, Mapping) else None
            annotations.refused.append(refused.of(name if isinstance(name, str) else None, position))
            continue
        annotations.images[person.image.image_id] = person.image
        annotations.people.append(person)
    return annotations


def _is_mpii(value: Any) -> bool:
    wanted = {"joints", "joints_vis", "center", "scale", "image"}
    return isinstance(value, list) and (
        not value or any(isinstance(entry, Mapping) and wanted <= entry.keys() for entry in value)
    )


def _image_ids(entries: list) -> dict[str, int]:
    """Image id by file name: the number before the first dot; where a name has none, all by sorted order."""
    names = sorted(
        {entry["image"] for entry in entries if isinstance(entry, Mapping) and _is_name(entry.get("image"))}
    )
    stems = [name.split(".")[0] for name in names]
    if all(stem.isascii() and stem.isdigit() and len(stem) < 19 for stem in stems):
        return dict(zip(names, map(int, stems), strict=True))
    return {name: number for number, name in enumerate(names)}


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _person(entry: Mapping[str, Any], position: int, ids: Mapping[str, int], strip_prefix: str) -> Person:
    file_name = file_name_of(entry, "image", strip_prefix)
    return Person(
        image=ImageEntry(image_id=ids[entry["image"]], file_name=file_name),
        annotation_id=position,
        bbox=_bbox(entry.get("center"), entry.get("scale")),
        keypoints=_keypoints(entry.get("joints"), entry.get("joints_vis")),
        has_stable_id=False,
        clip_box=False,
        binary_visibility=True,
    )


def _bbox(center: Any, scale: Any) -> list[float]:
    """x, y, w, h of the square box of MMPose's MpiiDataset.

    That shifts the center down by 15/200 of the box to keep feet, and takes 1 off for MATLAB's counting; it
    does not take 1 off the joints, and neither do we: MMPose's MPII teachers have learned them so.
    """
    try:
        x, y = (float(coordinate) for coordinate in center)
        side = float(scale) * PIXEL_STD
    except (TypeError, ValueError, OverflowError):
        raise Refused(Reason.MALFORMED, f"center {center!r} and scale {scale!r} are not numbers") from None
    if x != -1:
        y += 15.0 / PIXEL_STD * side
    return [x - 1 - side / 2, y - 1 - side / 2, side, side]


def _keypoints(joints: Any, visible: Any) -> list[float]:
    """K times x, y, flag. Two lists of K numbers are not K pairs; read as pairs they would be nonsense."""
    try:
        xy, flags = np.asarray(joints, dtype=np.float64), np.asarray(visible, dtype=np.float64).ravel()
    except (TypeError, ValueError, OverflowError):
        raise Refused(Reason.MALFORMED, "joints and joints_vis are not K pairs and K flags") from None
    if xy.shape != (len(flags), 2):
        shape = " x ".join(map(str, xy.shape))
        detail = f"joints are {shape} numbers and joints_vis {len(flags)}, wanted K pairs and K flags"
        raise Refused(Reason.MALFORMED, detail)
    return np.concatenate([xy, flags[:, None]], axis=1).ravel().tolist()
