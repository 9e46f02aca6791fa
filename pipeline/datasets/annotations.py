"""What every annotation format is read into, before anything in it is checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.conventions.convention import Convention
from pipeline.datasets.refusal import Reason, Refusal, Refused
from pipeline.params import DatasetParams

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{0,18})?")
_DIGITS = re.compile(r"-?[0-9]{1,19}")
NO_ANNOTATION = -1
"""Annotation id of a person who was detected, not annotated."""


@dataclass(frozen=True)
class AnnotationSource:
    """What a format's reader is given: a dataset split's entry in params.yaml, the folder that its paths
    start at, and the convention of its labels (None where the format has no labels)."""

    dataset: str
    params: DatasetParams
    root: Path
    convention: Convention | None

    @property
    def path(self) -> Path:
        """The annotation file, or folder."""
        return self.root / self.params.annotations

    @property
    def boxes(self) -> Path | None:
        """Detections in place of the annotated boxes."""
        return None if self.params.boxes is None else self.root / self.params.boxes


@dataclass(frozen=True)
class ImageEntry:
    """An image as its annotations name it; `size` is the (width, height) they claim, where they claim one."""

    image_id: int
    file_name: str
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """One person as written in the file; `bbox`, `keypoints` and `area` are unchecked JSON (`read_json`).

    `bbox` is x, y, w, h; `keypoints` is K times x, y, visibility, or None for a person without labels.
    """

    image: ImageEntry
    annotation_id: int
    bbox: Any
    keypoints: Any = None
    area: Any = None
    box_score: float = 1.0
    iscrowd: bool = False
    has_stable_id: bool = True
    """Whether `annotation_id` means this person for good; a position in a list does not."""
    clip_box: bool = True
    """Whether MMPose clips this kind of box to the image."""
    binary_visibility: bool = False
    """Whether the file says labelled or not, and nothing of occlusion."""
    origin: int = 0
    """What the file calls the centre of the top-left pixel."""


@dataclass
class Annotations:
    """A whole annotation file: its images by id, its people, and the entries that could not be read."""

    images: dict[int, ImageEntry] = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def file_name_of(entry: Mapping[str, Any], key: str, strip_prefix: str) -> str:
    """The entry's image file name, relative to the images folder.

    Raises:
        Refused: there is none.
    """
    name = entry.get(key)
    if not isinstance(name, str) or not name:
        raise Refused(Reason.MALFORMED, f"{key} is {name!r}, wanted a file name")
    return name.removeprefix(strip_prefix)


def integer_of(entry: Mapping[str, Any], key: str) -> int:
    """An id that fits the table's 64 bits; digits in quotes are one too.

    Raises:
        Refused: it is missing or something else.
    """
    value = entry.get(key)
    if (isinstance(value, float) and value.is_integer()) or (
        isinstance(value, str) and _DIGITS.fullmatch(value)
    ):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
        raise Refused(Reason.MALFORMED, f"{key} is {str(value)[:60]!r}, wanted an integer")
    return value


def number_of(value: Any) -> float | None:
    """A JSON number, or one that is written as text; None for anything else."""
    if isinstance(value, str):
        value = value.strip()
        return float(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, int) and abs(value) >= 2**63:
        return None
    return float(value) if isinstance(value, int | float) else None


def flag_of(entry: Mapping[str, Any], key: str) -> bool:
    """A yes or no: true and false, 1 and 0, also as text; False where it is missing.

    Raises:
        Refused: it is something else.
    """
    value = entry.get(key)
    if value is None:
        return False
    number = number_of(value)
    if number not in (0.0, 1.0):
        raise Refused(Reason.MALFORMED, f"{key} is {str(value)[:60]!r}, wanted 0 or 1")
    return number == 1.0


def object_of(entry: Any) -> Mapping[str, Any]:
    """The entry itself, once it is a JSON object.

    Raises:
        Refused: it is something else.
    """
    if not isinstance(entry, Mapping):
        raise Refused(Reason.MALFORMED, f"{str(entry)[:40]!r} is no JSON object")
    return entry
