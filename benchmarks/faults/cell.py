"""The cell that faults are tried on: real image files, a cheap teacher, small shards.

Legend: B crops, K joints, H, W rows and columns.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.cases.cell_case import first_rows, table_for
from pipeline.conventions.convention import Convention
from pipeline.conventions.registry import load_convention
from pipeline.datasets.crop_table import CropTable
from pipeline.extraction.extract import ExtractionReport, extract_cell
from pipeline.files.durable import json_bytes
from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.params import ExtractParams, RuntimeParams
from pipeline.store.format.cell import group_metadata
from pipeline.store.format.metadata import COPY
from pipeline.store.store import METADATA
from pipeline.teachers.maps import HeatmapOutput, TeacherOutput

SHARD_SIZE = 16
BATCH_SIZE = 2
"""A shard has far more batches than may wait to be compressed, so that at most one shard at a time is
computed but not published."""


@dataclass(frozen=True)
class ColourTeacher:
    """Three joints: the crop's blurred colour channels. Costs next to nothing and is the same everywhere."""

    name: str = "colours"
    provenance: dict[str, Any] = field(default_factory=lambda: {"weights": "none"})
    convention: Convention = field(default_factory=lambda: _convention())
    crop: CropGeometry = CropGeometry((48, 64), 1.25)
    map: MapGeometry = MapGeometry("heatmap", (12, 16), (4.0, 4.0), (1.5, 1.5))
    flip_test: bool = False
    beta: float | None = None

    @torch.inference_mode()
    def predict(self, images_BHW3: Tensor) -> TeacherOutput:
        heatmap_BKHW = F.avg_pool2d(images_BHW3.permute(0, 3, 1, 2).float() / 255, 4)
        peak_BK, top_BK = heatmap_BKHW.flatten(2).max(-1)
        keypoints_BK2 = torch.stack([top_BK % 12, top_BK // 12], -1).float() * 4
        return TeacherOutput(HeatmapOutput(heatmap_BKHW), keypoints_BK2.numpy(), peak_BK.numpy())

    def storage_fidelity(self, images_BHW3: Tensor) -> None:
        return None


def _convention() -> Convention:
    joints = load_convention("coco17").joints[:3]
    return Convention("colours", joints, ((joints[1], joints[2]),), (0.05,) * 3, (1.0,) * 3, ())


@dataclass(frozen=True)
class FaultCell:
    """A cell of the first crops of a table, and of all of them, once it has grown."""

    table: CropTable
    few: CropTable
    teacher: ColourTeacher
    extract: ExtractParams = ExtractParams(shard_size=SHARD_SIZE)
    runtime: RuntimeParams = RuntimeParams(device="cpu", batch_size=BATCH_SIZE, workers=1)

    @classmethod
    def make(cls, crops: int, folder: Path) -> "FaultCell":
        """Writes the images to `folder`. The cell is made with two thirds of the crops, whose number is
        rounded so that all shards are full."""
        third = max(1, crops // (3 * SHARD_SIZE)) * SHARD_SIZE
        table = table_for("synthetic", 3 * third, folder)
        return cls(table, first_rows(table, 2 * third), ColourTeacher())

    def run(self, store: Path, table: CropTable | None = None, **options: bool) -> ExtractionReport:
        """Extract, or resume extracting."""
        return extract_cell(
            self.teacher, self.few if table is None else table, store, self.extract, self.runtime, **options
        )


def content(store: Path, timeless: bool = False) -> dict[str, str]:
    """SHA-256 of every file of a store, by its place.

    Stores of the same answers that were made at two times differ in `created_at`, and so in the hash over the
    attributes. With `timeless`, the time is put to nothing before.
    """
    files = sorted(file for file in store.rglob("*") if file.is_file())
    parts = {str(file.relative_to(store)): file.read_bytes() for file in files}
    if timeless:
        parts |= {place: _timeless(parts[place]) for place in (METADATA, COPY) if place in parts}
    return {place: hashlib.sha256(data).hexdigest() for place, data in parts.items()}


def _timeless(data: bytes) -> bytes:
    attributes = json.loads(data)["attributes"]
    if data != json_bytes(group_metadata(attributes)):
        return data
    return json_bytes(group_metadata(attributes | {"created_at": ""}))
