"""What one cell is: one teacher over one dataset split, as the store's attributes tell it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pipeline.datasets.crop_table import CropTable
from pipeline.errors import KDError
from pipeline.params import ExtractParams
from pipeline.store.durable import json_bytes
from pipeline.store.layout import CellLayout
from pipeline.store.provenance import FORMAT_VERSION, CellProvenance
from pipeline.store.quantise import TOP
from pipeline.teachers.teacher import Teacher

FORMAT = "kd-pipeline store"
_CHECKSUM = "attributes_sha256"
_RECORDED = ("kd-pipeline", "torch", "numpy", "opencv-python-headless", "numcodecs", "mmpose", "onnxruntime")


@dataclass(frozen=True)
class CellSpec:
    """A cell to be made: the attributes it gets, and what they are compared with when it exists already."""

    attributes: Mapping[str, Any]
    provenance: CellProvenance

    @classmethod
    def of(cls, teacher: Teacher, table: CropTable, params: ExtractParams) -> "CellSpec":
        """Raises KDError where the table has no crops."""
        if not len(table):
            raise KDError(
                f"dataset {table.dataset!r} has no crops to extract. See why in refused.json beside its crop "
                "table, mend the dataset, then run: kd-pipeline index-datasets"
            )
        provenance = CellProvenance.of(teacher, table, params)
        return cls(_attributes(teacher, table, params, provenance), provenance)

    @property
    def layout(self) -> CellLayout:
        return layout_of(self.attributes)


def _attributes(
    teacher: Teacher, table: CropTable, params: ExtractParams, provenance: CellProvenance
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "teacher": teacher.name,
        "dataset": table.dataset,
        "crops": len(table),
        "checkpoint_sha256": teacher.provenance.get("checkpoint_sha256"),
        "config_sha256": teacher.provenance.get("config_sha256"),
        "crop_table_sha256": table.sha256,
        "convention": {
            "name": teacher.convention.name,
            "joints": list(teacher.convention.joints),
            "flip_pairs": [list(pair) for pair in teacher.convention.flip_pairs],
        },
        "crop_geometry": {
            "input_size": list(teacher.crop.input_size),
            "padding": teacher.crop.padding,
            "udp": teacher.crop.udp,
        },
        "map_geometry": teacher.map.as_dict(),
        "flip_test": teacher.flip_test,
        "beta": teacher.beta,
        "codec": {"levels": TOP, **params.model_dump(mode="json")},
        "provenance": dict(provenance.values),
        "provenance_sha256": provenance.sha256,
        "versions": _versions(),
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _versions() -> dict[str, str]:
    """Recorded, never compared."""
    found = {}
    for name in _RECORDED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def layout_of(attributes: Mapping[str, Any]) -> CellLayout:
    """The files a cell with these attributes consists of."""
    geometry = attributes["map_geometry"]
    return CellLayout(
        kind=geometry["kind"],
        num_crops=attributes["crops"],
        num_joints=len(attributes["convention"]["joints"]),
        map_size=tuple(geometry["size"]),
        shard_size=attributes["codec"]["shard_size"],
    )


def group_metadata(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """`zarr.json` of the group. The attributes carry their own hash: Zarr gives metadata no checksum."""
    plain = {name: value for name, value in attributes.items() if name != _CHECKSUM}
    signed = plain | {_CHECKSUM: hashlib.sha256(json_bytes(plain)).hexdigest()}
    return {"zarr_format": 3, "node_type": "group", "attributes": signed}


def checked_attributes(path: Path, metadata: Any) -> dict[str, Any]:
    """The attributes of a group's metadata.

    Raises:
        KDError: not a store of ours, of a later format, or not as written.
    """
    attributes = metadata.get("attributes") if isinstance(metadata, dict) else None
    if not isinstance(attributes, dict) or attributes.get("format") != FORMAT:
        raise KDError(
            f"{path} is not a store of kd-pipeline, or its zarr.json was damaged. Name a folder like "
            "stores/TEACHER/DATASET.zarr; kd-pipeline extract-teachers makes them."
        )
    if attributes.get("format_version") != FORMAT_VERSION:
        raise KDError(
            f"{path} has store format {attributes.get('format_version')}, but this kd-pipeline reads format "
            f"{FORMAT_VERSION}. Update kd-pipeline, or extract the cell into another workspace."
        )
    if metadata != group_metadata(attributes):
        raise KDError(
            f"{path / 'zarr.json'} is not as it was written: its hash does not match. The shards beside it "
            f"are untouched: restore this one file from a copy of the store; or move {path} away and run "
            "kd-pipeline extract-teachers to compute it again."
        )
    return attributes
