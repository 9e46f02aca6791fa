"""From a person as written to a crop that can be trusted, or the reason why not."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from pipeline.conventions.convention import Convention
from pipeline.datasets.annotations import Person, number_of
from pipeline.datasets.crop_id import crop_id_of
from pipeline.datasets.image_files import ImageFacts
from pipeline.datasets.refusal import Reason, Refused

LARGEST = 1e6
"""Pixels: what lies farther away is not in an image."""
AREA_OF_BOX = 0.53
"""MMPose's estimate of a person's area from the box where none is annotated."""


@dataclass(frozen=True)
class Crop:
    """One person that passed: a row of the crop table. Coordinates are image pixels."""

    crop_id: int
    person: Person
    facts: ImageFacts
    bbox: Float64[np.ndarray, "4"]
    keypoints: Float32[np.ndarray, "K 2"]
    visibility: UInt8[np.ndarray, "K"]
    area: float

    @property
    def labelled(self) -> bool:
        return bool(self.visibility.any())


def screen(
    person: Person, facts: ImageFacts, convention: Convention | None, keep_unlabelled: bool = False
) -> Crop:
    """The person's crop, with the box MMPose's datasets would give its teachers. Without a convention it has
    no joints.

    A size other than the annotations claim is refused: the image was scaled or turned after it was annotated,
    so neither box nor joints fit it. People annotated without a single labelled joint are refused as in
    MMPose's top-down datasets, unless `keep_unlabelled` (evaluation needs them as regions to ignore).
    Detected people are unlabelled by nature and stay.

    Raises:
        Refused: the sample cannot be used.
    """
    if person.image.size is not None and person.image.size != facts.size:
        raise Refused(
            Reason.IMAGE_SIZE, f"annotated as {_by(person.image.size)}, the file is {_by(facts.size)}"
        )
    if min(facts.size) < 2:
        raise Refused(Reason.TINY_IMAGE, f"the file is {_by(facts.size)}, which shows nobody")
    written = _numbers(person.bbox, "bbox")
    if written.size != 4:
        raise Refused(Reason.MALFORMED, f"bbox has {written.size} numbers, wanted x, y, width, height")
    _check_places(written, "bbox", person.bbox)
    written[:2] -= person.origin
    bbox = _usable_box(written, facts.size, person.clip_box)
    keypoints, visibility = _labels(person, convention)
    if person.keypoints is not None and not keep_unlabelled:
        _check_labelled(keypoints, visibility, facts.size)
    return Crop(
        crop_id=crop_id_of(
            person.image.file_name, person.annotation_id if person.has_stable_id else None, written
        ),
        person=person,
        facts=facts,
        bbox=bbox,
        keypoints=keypoints,
        visibility=visibility,
        area=_area(person.area, bbox),
    )


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _numbers(values: Any, what: str) -> Float64[np.ndarray, "n"]:
    """A fresh flat array of numbers, NaN among them perhaps."""
    try:
        return np.array(values, dtype=np.float64).ravel()
    except (TypeError, ValueError, OverflowError):
        raise Refused(Reason.MALFORMED, f"{what} is {str(values)[:60]}, wanted a list of numbers") from None


def _check_places(numbers: Float64[np.ndarray, "..."], what: str, written: Any) -> None:
    if not (np.abs(numbers) <= LARGEST).all():
        raise Refused(Reason.NOT_FINITE, f"{what} is {str(written)[:60]}")


def _usable_box(
    written: Float64[np.ndarray, "4"], size: tuple[int, int], clip: bool
) -> Float64[np.ndarray, "4"]:
    """x, y, w, h, clipped as in MMPose's BaseCocoStyleDataset.parse_data_info if `clip`, else as written."""
    if written[2] <= 0 or written[3] <= 0:
        raise Refused(Reason.EMPTY_BOX, f"bbox is {_listed(written)}")
    last = np.array(size, dtype=np.float64) - 1
    low = np.clip(written[:2], 0, last)
    high = np.clip(written[:2] + written[2:], 0, last)
    if (high <= low).any():
        raise Refused(Reason.BOX_OUTSIDE, f"bbox is {_listed(written)} in an image of {_by(size)}")
    return np.concatenate([low, high - low]) if clip else written


def _listed(numbers: Float64[np.ndarray, "n"]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def _labels(
    person: Person, convention: Convention | None
) -> tuple[Float32[np.ndarray, "K 2"], UInt8[np.ndarray, "K"]]:
    """Joints, at 0, 0 if not labelled, and flags: 0 not labelled, 1 labelled but occluded, 2 visible."""
    if person.keypoints is None or convention is None:
        joints = convention.num_joints if convention else 0
        return np.zeros((joints, 2), np.float32), np.zeros(joints, np.uint8)
    numbers = _numbers(person.keypoints, "keypoints")
    if numbers.size != 3 * convention.num_joints:
        raise Refused(
            Reason.KEYPOINT_COUNT,
            f"{numbers.size} numbers ({numbers.size / 3:g} joints), but {convention.name} has "
            f"{convention.num_joints} joints of x, y, visibility",
        )
    joints = numbers.reshape(-1, 3)
    joints[np.isnan(joints).all(1)] = 0  # how numpy and pandas write a joint without a label
    flags = joints[:, 2]
    _check_places(flags, "visibility", person.keypoints)
    _check_places(joints[flags > 0], "keypoints", person.keypoints)
    if not np.isin(flags, (0, 1, 2)).all():
        raise Refused(Reason.VISIBILITY, f"flags are {_listed(flags)}")
    visibility = np.where(flags > 0, 2, 0) if person.binary_visibility else flags
    keypoints = np.where(flags[:, None] > 0, joints[:, :2] - person.origin, 0)
    return keypoints.astype(np.float32), visibility.astype(np.uint8)


def _check_labelled(
    keypoints: Float32[np.ndarray, "K 2"], visibility: UInt8[np.ndarray, "K"], size: tuple[int, int]
) -> None:
    inside = ((keypoints >= 0) & (keypoints < np.array(size))).all(axis=1)
    if not (inside & (visibility > 0)).any():
        raise Refused(Reason.UNLABELLED, f"{int((visibility > 0).sum())} labelled joints, none in the image")


def _area(annotated: Any, bbox: Float64[np.ndarray, "4"]) -> float:
    """The annotated area, or MMPose's estimate where there is none above zero."""
    area = number_of(annotated)
    if area is not None and 0 < area <= LARGEST**2:
        return area
    return max(AREA_OF_BOX * float(bbox[2] * bbox[3]), 1.0)
