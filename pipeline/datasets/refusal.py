"""Samples that do not become crops, and why."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from pipeline.errors import KDError
from pipeline.files.atomic import write_atomically


class Reason(StrEnum):
    """Why a sample is refused; the wording is what users read and count by."""

    MALFORMED = "malformed entry"
    UNKNOWN_IMAGE = "image not listed"
    DUPLICATE = "duplicate"
    OUTSIDE_FOLDER = "file name leaves the images folder"
    FILE_NAME = "file name is not UTF-8 text"
    AMBIGUOUS_NAME = "file names that look the same"
    MISSING_IMAGE = "image missing"
    BROKEN_IMAGE = "image truncated or unreadable"
    IMAGE_SIZE = "image size differs from the annotations'"
    TINY_IMAGE = "image is one pixel wide or high"
    NOT_FINITE = "NaN, infinite or absurdly large number"
    EMPTY_BOX = "box without area"
    BOX_OUTSIDE = "box outside the image"
    KEYPOINT_COUNT = "keypoint count does not fit the convention"
    VISIBILITY = "visibility is not 0, 1 or 2"
    CROWD = "box around a crowd"
    OTHER_CATEGORY = "not of a category of people"
    UNLABELLED = "no labelled joint in the image"


@dataclass(frozen=True)
class Refusal:
    """One refused sample. `image` and `annotation_id` are None where the entry does not have them."""

    image: str | None
    annotation_id: int | None
    reason: Reason
    detail: str = ""


class Refused(Exception):
    """Raised while one sample is looked at; caught where samples are gathered, never shown as an error."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def of(self, image: str | None, annotation_id: int | None) -> Refusal:
        return Refusal(image, annotation_id, self.reason, self.detail)


def write_refusals(refusals: Sequence[Refusal], path: Path) -> None:
    """A JSON list, one refusal a line, so that a text search finds whole entries.

    Raises:
        KDError: the file cannot be written.
    """
    lines = ",\n".join(json.dumps(asdict(refusal)) for refusal in refusals)
    write_atomically(path, f"[\n{lines}\n]\n" if refusals else "[]\n")


def read_refusals(path: Path) -> list[Refusal]:
    """What `write_refusals` wrote."""
    entries = json.loads(path.read_text(encoding="utf-8"))
    return [Refusal(**{**entry, "reason": Reason(entry["reason"])}) for entry in entries]


def count_reasons(refusals: Sequence[Refusal]) -> dict[str, int]:
    """Refusals by reason, most frequent first."""
    return dict(Counter(refusal.reason.value for refusal in refusals).most_common())


def nothing_left(dataset: str, source: Path, refusals: Sequence[Refusal]) -> KDError:
    """The error for a dataset none of whose samples can be used."""
    if not refusals:
        return KDError(
            f"dataset {dataset!r}: {source} lists no people. Name a file that does, or remove the dataset."
        )
    counts = count_reasons(refusals)
    reasons = ", ".join(f"{reason} ({count})" for reason, count in list(counts.items())[:3])
    typical = next(refusal for refusal in refusals if refusal.reason == next(iter(counts)))
    example = f"{typical.image}: {typical.detail or typical.reason.value}"
    return KDError(
        f"dataset {dataset!r}: all {len(refusals)} samples of {source} are refused: {reasons}. "
        f"For example {example}. Check the dataset's images, annotations and convention in params.yaml."
    )
