"""What a cell's maps depend on, and the error when that has changed."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import KDError
from pipeline.files.durable import json_bytes
from pipeline.store.format.map_codec import MapCodec
from pipeline.store.read.remote_path import StorePath
from pipeline.teachers.teacher import Teacher

FORMAT_VERSION = 2


@dataclass(frozen=True)
class CellProvenance:
    """Everything the maps of any crop depend on besides the crop, as plain JSON: a different value means
    different maps.

    Crops are compared row by row, by their fingerprints. Paths, batch size, device, library versions, shard
    size and compression level change no value that is read: they never make a store stale.
    """

    values: Mapping[str, Any]

    @classmethod
    def of(cls, teacher: Teacher, codec: MapCodec) -> "CellProvenance":
        return cls.from_json(
            {
                "format_version": FORMAT_VERSION,
                "teacher": dict(teacher.provenance),
                "codec": codec.as_json(),
            }
        )

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "CellProvenance":
        """Through JSON and back, so that a tuple equals the list it is read back as."""
        return cls(json.loads(json_bytes(values)))

    @property
    def sha256(self) -> str:
        return hashlib.sha256(json_bytes(self.values)).hexdigest()

    def changes(self, wanted: "CellProvenance") -> list[tuple[str, str, str]]:
        """(what, as stored, as wanted) for every value that differs."""
        ours, theirs = dict(_leaves(self.values)), dict(_leaves(wanted.values))
        names = [*ours, *(name for name in theirs if name not in ours)]
        return [
            (name, _short(ours.get(name)), _short(theirs.get(name)))
            for name in names
            if ours.get(name) != theirs.get(name)
        ]


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _short(value: Any) -> str:
    """A hash by its ends; anything else that is long by its beginning."""
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value)
    if len(text) == 64 and set(text) <= set("0123456789abcdef"):
        return f"{text[:4]}…{text[-2:]}"
    return text if len(text) <= 60 else text[:57] + "…"


_OF_FLIP_TEST = ("teacher.flip_permutation", "teacher.mirror")
"""What is there with a flip test alone."""
_WORDS = {
    "teacher.flip_permutation": "the places of each joint's mirror (the convention's `mirror`)",
    "teacher.mirror": "the place that a map is mirrored about",
}
"""Names for users; the rest are called as in the store."""


def stale_error(
    path: StorePath, stored: CellProvenance, wanted: CellProvenance, teacher: str, dataset: str
) -> KDError:
    """The error for a store whose maps are not what is asked for."""
    changes = stored.changes(wanted)
    if any(name == "teacher.flip_test" for name, *_ in changes):
        changes = [change for change in changes if change[0] not in _OF_FLIP_TEST]
    changed = "; ".join(f"{_WORDS.get(name, name)} {old}, but now it is {new}" for name, old, new in changes)
    return KDError(
        f"{path} was extracted with {changed}. Either restore what changed, or re-extract this cell: "
        f"kd-pipeline extract-teachers --teacher {teacher} --dataset {dataset} --replace-stale"
    )
