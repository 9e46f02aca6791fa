"""The people of one dataset split that teachers look at and students learn from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import SupportsIndex

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool, Float32, Float64, Int32, Int64, Shaped, UInt8

from pipeline.errors import KDError
from pipeline.files.atomic import replacing
from pipeline.workspace import PEOPLE

FILE_NAME = "crops.parquet"
FORMAT_VERSION = 1
NO_CONVENTION = ""
_SEAL = "kd_seal"


@dataclass(frozen=True, eq=False)
class CropTable:
    """One row per person, ordered by image and then annotation, so that neighbours share an image to decode.

    Coordinates are image pixels, x right, y down, centre of the top-left pixel (0, 0), of the image turned as
    its EXIF orientation says. Detected people have no labels: visibility all 0, `labelled` False, annotation
    id -1. Rows with `iscrowd` stand for several people: evaluation ignores what falls on them, and training
    leaves them out.
    """

    dataset: str
    convention: str | None
    """As in params.yaml: a convention's name, or a YAML's path; None where no person is labelled and none was
    named: then K is 0."""
    images_root: Path
    image: list[str]
    """File names relative to `images_root`."""
    image_sha256: list[str]
    image_size: Int32[np.ndarray, "N 2"]
    """Width, height."""
    image_id: Int64[np.ndarray, "N"]
    annotation_id: Int64[np.ndarray, "N"]
    crop_id: Int64[np.ndarray, "N"]
    bbox: Float64[np.ndarray, "N 4"]
    """x, y, width, height, as MMPose gives them to a teacher: annotated COCO boxes clipped to the image,
    MPII's and detected ones not."""
    box_score: Float32[np.ndarray, "N"]
    keypoints: Float32[np.ndarray, "N K 2"]
    visibility: UInt8[np.ndarray, "N K"]
    """0 not labelled (the joint lies at 0, 0), 1 labelled but occluded, 2 visible."""
    area: Float64[np.ndarray, "N"]
    """Of the person, for OKS: annotated, or 0.53 of the box as in MMPose."""
    iscrowd: Bool[np.ndarray, "N"]
    labelled: Bool[np.ndarray, "N"]
    joints: tuple[str, ...] = ()
    """The convention's when the table was made: what the columns of `keypoints` are."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the files it was made from, by their paths in params.yaml; empty where they are unknown."""

    def __len__(self) -> int:
        return len(self.image)

    @property
    def num_joints(self) -> int:
        return self.keypoints.shape[1]

    def image_path(self, row: SupportsIndex) -> Path:
        return self.images_root / self.image[row]

    @cached_property
    def sha256(self) -> str:
        """Hash of what a teacher's maps depend on: which crops, of which pixels, in which order."""
        digest = hashlib.sha256(b"kd-pipeline crops 1\0")
        digest.update(self.crop_id.astype("<i8").tobytes())
        digest.update("".join(self.image_sha256).encode())
        digest.update(self.bbox.astype("<f8").tobytes())
        return digest.hexdigest()

    @cached_property
    def labels_sha256(self) -> str:
        """Hash of the crops and of everything training and evaluation read besides."""
        convention = self.convention or NO_CONVENTION
        digest = hashlib.sha256(f"kd-pipeline labels 1\0{self.sha256}\0{convention}\0".encode())
        for values, kind in (
            (self.keypoints, "<f4"),
            (self.visibility, "u1"),
            (self.area, "<f8"),
            (self.box_score, "<f4"),
            (self.image_id, "<i8"),
            (self.annotation_id, "<i8"),
            (self.iscrowd, "u1"),
        ):
            digest.update(values.astype(kind).tobytes())
        return digest.hexdigest()


def write_crop_table(table: CropTable, folder: Path) -> Path:
    """Write `crops.parquet` into `folder`, whole or not at all; the same table gives the same bytes.

    Raises:
        KDError: the folder cannot be written.
    """
    path = folder / FILE_NAME
    arrow = _to_arrow(table)
    sealed = arrow.replace_schema_metadata({**arrow.schema.metadata, _SEAL: _seal(table, folder)})
    with replacing(path) as temporary, temporary.open("wb") as file:
        pq.write_table(sealed, file, compression="zstd")
    return path


def read_crop_table(folder: Path, images_root: Path) -> CropTable:
    """The table `write_crop_table` left in `folder`, whose images lie under `images_root`.

    Raises:
        KDError: missing, no crop table, of another format version, or its contents do not match its hashes.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise KDError(f"there is no crop table {path}. Make it: kd-pipeline index-datasets")
    try:
        arrow = pq.read_table(path)
        metadata = {key.decode(): value.decode() for key, value in (arrow.schema.metadata or {}).items()}
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unusable(path, f"cannot be read: {str(error).splitlines()[0]}") from None
    if metadata.get("kd_format_version") != str(FORMAT_VERSION):
        found = metadata.get("kd_format_version", "none")
        raise _unusable(path, f"has crop table format {found}, but {FORMAT_VERSION} was wanted")
    try:
        table = _from_arrow(arrow, metadata, images_root)
        written = (metadata["kd_sha256"], metadata["kd_labels_sha256"], metadata.get(_SEAL))
        found = (table.sha256, table.labels_sha256, _seal(table, folder) if _SEAL in metadata else None)
    except (pa.ArrowException, KeyError, ValueError, TypeError, AttributeError) as error:
        raise _unusable(path, f"is not as it was written ({type(error).__name__}: {error})") from None
    if found != written:
        raise _unusable(
            path,
            "does not match the hashes written with it, so it was changed or damaged, or belongs to another "
            "folder",
        )
    return table


def _seal(table: CropTable, folder: Path) -> str:
    """Hash of all there is in the file, and of whose folder it is in: the table of everyone annotated is not
    taken for that of the crops. Tables of earlier versions have none."""
    facts = [folder.name == PEOPLE, table.dataset, table.labels_sha256, table.joints, dict(table.sources)]
    digest = hashlib.sha256(f"kd-pipeline table 1\0{json.dumps(facts)}\0".encode())
    digest.update("\0".join(table.image).encode())
    digest.update(table.image_size.astype("<i4").tobytes())
    digest.update(table.labelled.astype("u1").tobytes())
    return digest.hexdigest()


def recorded_sha256(folder: Path) -> str | None:
    """`CropTable.sha256` of the table in `folder`, as recorded with it, without reading the table; None where
    there is none that can be read."""
    try:
        recorded = (pq.read_schema(folder / FILE_NAME).metadata or {}).get(b"kd_sha256")
    except (pa.ArrowException, OSError):
        return None
    return recorded.decode() if recorded else None


def _unusable(path: Path, cause: str) -> KDError:
    return KDError(f"the crop table {path} {cause}. Make it again: kd-pipeline index-datasets")


def _to_arrow(table: CropTable) -> pa.Table:
    columns = {
        "crop_id": pa.array(table.crop_id),
        "image": pa.array(table.image, pa.string()),
        "image_sha256": pa.array(table.image_sha256, pa.string()),
        "image_size": _lists(table.image_size),
        "image_id": pa.array(table.image_id),
        "annotation_id": pa.array(table.annotation_id),
        "bbox": _lists(table.bbox),
        "box_score": pa.array(table.box_score),
        **(_label_columns(table) if table.num_joints else {}),
        "area": pa.array(table.area),
        "iscrowd": pa.array(table.iscrowd),
        "labelled": pa.array(table.labelled),
    }
    metadata = {
        "kd_format_version": str(FORMAT_VERSION),
        "kd_dataset": table.dataset,
        "kd_convention": table.convention or NO_CONVENTION,
        "kd_sha256": table.sha256,
        "kd_labels_sha256": table.labels_sha256,
        "kd_joints": json.dumps(table.joints),
        "kd_sources": json.dumps(dict(table.sources)),
    }
    return pa.table(columns, metadata=metadata)


def _label_columns(table: CropTable) -> dict[str, pa.Array]:
    return {
        "keypoints": _lists(table.keypoints.reshape(len(table), 2 * table.num_joints)),
        "visibility": _lists(table.visibility),
    }


def _lists(values: Shaped[np.ndarray, "N M"]) -> pa.FixedSizeListArray:
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])


def _from_arrow(arrow: pa.Table, metadata: dict[str, str], images_root: Path) -> CropTable:
    def flat(name: str) -> np.ndarray:
        return arrow[name].combine_chunks().to_numpy(zero_copy_only=False)

    def rows(name: str) -> np.ndarray:
        lists = arrow[name].combine_chunks()
        return lists.flatten().to_numpy().reshape(len(arrow), lists.type.list_size)

    visibility = np.zeros((len(arrow), 0), np.uint8)
    keypoints = np.zeros((len(arrow), 0), np.float32)
    if "keypoints" in arrow.column_names:  # no joints, no column: Parquet has no lists of length 0
        keypoints, visibility = rows("keypoints"), rows("visibility")
    return CropTable(
        dataset=metadata["kd_dataset"],
        convention=metadata["kd_convention"] or None,
        images_root=images_root,
        image=arrow["image"].to_pylist(),
        image_sha256=arrow["image_sha256"].to_pylist(),
        image_size=rows("image_size"),
        image_id=flat("image_id"),
        annotation_id=flat("annotation_id"),
        crop_id=flat("crop_id"),
        bbox=rows("bbox"),
        box_score=flat("box_score"),
        keypoints=keypoints.reshape(*visibility.shape, 2),
        visibility=visibility,
        area=flat("area"),
        iscrowd=flat("iscrowd"),
        labelled=flat("labelled"),
        joints=tuple(json.loads(metadata.get("kd_joints", "[]"))),
        sources=json.loads(metadata.get("kd_sources", "{}")),
    )
