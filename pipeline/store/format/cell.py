"""What one cell is: one teacher over one dataset split, as the store's attributes describe it."""

import hashlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline.datasets.crop_table import CropTable
from pipeline.errors import KDError
from pipeline.files.durable import json_bytes
from pipeline.params import ExtractParams
from pipeline.store.format.attributes import absurdity
from pipeline.store.format.layout import CellLayout
from pipeline.store.format.map_codec import MapCodec, zstd_level
from pipeline.store.format.provenance import FORMAT_VERSION, CellProvenance
from pipeline.store.format.quantise import UNITS
from pipeline.store.format.seal import SEAL_VERSION
from pipeline.store.format.zarr_json import group_json
from pipeline.store.read.remote_path import StorePath
from pipeline.teachers.teacher import Teacher
from pipeline.versions import installed_versions

FORMAT = "kd-pipeline store"
_CHECKSUM = "attributes_sha256"
_RECORDED = ("kd-pipeline", "torch", "numpy", "opencv-python-headless", "numcodecs", "mmpose", "onnxruntime")


class DamagedMetadata(KDError):
    """A metadata file that is missing or not as it was written."""

    def __init__(self, store: StorePath, file: StorePath, what: str) -> None:
        super().__init__(
            f"{file} {what}. The shards beside it are untouched, and the store has what is needed to put it "
            f"right: kd-pipeline store verify --repair {shlex.quote(str(store))}"
        )


class UnknownFormat(KDError):
    """A store that another version of kd-pipeline made."""


class OlderFormat(UnknownFormat):
    """A store that an earlier version of kd-pipeline made, which this one cannot read."""


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
                "table, correct the dataset, then run: kd-pipeline index-datasets"
            )
        codec = MapCodec.of(params, teacher.map.kind, teacher.beta)
        provenance = CellProvenance.of(teacher, codec)
        return cls(_attributes(teacher, table, params, codec, provenance), provenance)

    @property
    def layout(self) -> CellLayout:
        return layout_of(self.attributes)


def _attributes(
    teacher: Teacher, table: CropTable, params: ExtractParams, codec: MapCodec, provenance: CellProvenance
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "teacher": teacher.name,
        "dataset": table.dataset,
        "segments": [len(table) * (1 + params.views.count)],
        **extent(table, params),
        "checkpoint_sha256": teacher.provenance.get("checkpoint_sha256"),
        "config_sha256": teacher.provenance.get("config_sha256"),
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
        "codec": {
            "preset": params.preset,
            "units": UNITS,
            **codec.as_json(),
            "zstd_level": zstd_level(params),
            "shard_size": params.shard_size,
        },
        "seal_version": SEAL_VERSION,
        "provenance": dict(provenance.values),
        "provenance_sha256": provenance.sha256,
        "versions": installed_versions(_RECORDED),
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def extent(table: CropTable, params: ExtractParams) -> dict[str, Any]:
    """The attributes that change when a store grows: which crops and views it was last made to hold."""
    return {
        "crops": len(table),
        "crop_table_sha256": table.sha256,
        "views": params.views.model_dump(mode="json"),
    }


def layout_of(attributes: Mapping[str, Any]) -> CellLayout:
    """The files a cell with these attributes consists of."""
    geometry = attributes["map_geometry"]
    return CellLayout(
        kind=geometry["kind"],
        map_dtype=attributes["codec"]["dtype"],
        segments=tuple(attributes["segments"]),
        num_joints=len(attributes["convention"]["joints"]),
        map_size=tuple(geometry["size"]),
        shard_size=attributes["codec"]["shard_size"],
    )


def group_metadata(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """`zarr.json` of the group. The attributes carry their own hash: Zarr gives metadata no checksum."""
    plain = {name: value for name, value in attributes.items() if name != _CHECKSUM}
    signed = plain | {_CHECKSUM: hashlib.sha256(json_bytes(plain)).hexdigest()}
    return group_json(signed)


def checked_attributes(path: StorePath, file: StorePath, metadata: Any) -> dict[str, Any]:
    """The attributes in a group's metadata, of the store at `path`, read from `file`.

    Raises:
        KDError: not a store of kd-pipeline.
        UnknownFormat: of a later format, or (OlderFormat) of an earlier one.
        DamagedMetadata: not as written.
    """
    attributes = metadata.get("attributes") if isinstance(metadata, dict) else None
    if not isinstance(attributes, dict) or attributes.get("format") != FORMAT:
        raise KDError(
            f"{path} is not a store of kd-pipeline, or its zarr.json was damaged. Name a folder like "
            "stores/TEACHER/DATASET.zarr; kd-pipeline extract-teachers makes them."
        )
    if metadata != group_metadata(attributes):
        raise DamagedMetadata(path, file, "is not as it was written: its hash does not match")
    for name in ("format_version", "seal_version"):
        if not isinstance(attributes.get(name, 1), int):
            raise _absurd(file, f"{name}: it is no whole number")
    if attributes.get("format_version", 0) < FORMAT_VERSION:
        raise OlderFormat(
            f"{path} has store format {attributes.get('format_version')}, of an earlier kd-pipeline; this "
            f"one reads format {FORMAT_VERSION}. Read it with the version that made it; or, to write it "
            f"again: kd-pipeline extract-teachers --teacher {attributes.get('teacher')} --dataset "
            f"{attributes.get('dataset')} --replace-stale"
        )
    for name, found, wanted in (
        ("format", attributes["format_version"], FORMAT_VERSION),
        ("seals of version", attributes.get("seal_version", 1), SEAL_VERSION),
    ):
        if found > wanted:
            raise UnknownFormat(
                f"{path} has store {name} {found}, but this kd-pipeline reads {name} {wanted}. Update "
                "kd-pipeline, or extract the cell into another workspace."
            )
    wrong = absurdity(attributes)
    if wrong is not None:
        raise _absurd(file, wrong)
    return attributes


def _absurd(file: StorePath, wrong: str) -> KDError:
    return KDError(
        f"{file} says of the store what no kd-pipeline writes ({wrong}), so it was edited, or another "
        "program made it. Restore the store from where it came; or move it away and run kd-pipeline "
        "extract-teachers to compute it again."
    )
