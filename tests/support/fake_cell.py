"""A small dataset of noise images and teachers that compute something simple and deterministic of a crop."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.conventions.convention import Convention
from pipeline.datasets.crop_table import CropTable
from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.params import ExtractParams, RuntimeParams
from pipeline.store.format.metadata import metadata_files
from pipeline.store.store import open_store
from pipeline.teachers.maps import HeatmapOutput, SimCCOutput, TeacherOutput

JOINTS = ("left_hand", "right_hand", "nose")
CONVENTION = Convention(
    name="three",
    joints=JOINTS,
    flip_pairs=(("left_hand", "right_hand"),),
    sigmas=(0.05,) * 3,
    joint_weights=(1.0,) * 3,
    limbs=(("left_hand", "nose"),),
)
EXTRACT = ExtractParams(shard_size=4, quiet=0.0)
"""The maps below have no background for `quiet` to separate from what matters."""
RUNTIME = RuntimeParams(device="cpu", batch_size=3, workers=0)


@dataclass
class FakeTeacher:
    """Answers with blurred copies of the crop's colour channels. `delay_s`: per batch. `spoil`: the
    colour of the middle pixel of crops to answer with NaN."""

    kind: str = "heatmap"
    provenance: Mapping[str, Any] = field(
        default_factory=lambda: {"checkpoint_sha256": "ab" * 32, "weights": 1}
    )
    beta: float | None = None
    delay_s: float = 0.0
    spoil: tuple[int, int, int] | None = None
    name: str = "fake"
    convention: Convention = CONVENTION
    crop: CropGeometry = CropGeometry((24, 32), 1.25)
    flip_test: bool = False
    answered: int = 0

    @property
    def map(self) -> MapGeometry:
        if self.kind == "heatmap":
            return MapGeometry("heatmap", (12, 16), (2.0, 2.0), (0.5, 0.5))
        return MapGeometry("simcc", (48, 64), (0.5, 0.5))

    def predict(self, images_BHW3: Tensor) -> TeacherOutput:
        time.sleep(self.delay_s)
        self.answered += len(images_BHW3)
        colours_B3HW = images_BHW3.permute(0, 3, 1, 2).float() / 255
        smooth_B3HW = F.avg_pool2d(colours_B3HW, 5, 1, 2)
        if self.spoil is not None:
            spoilt_B = (images_BHW3[:, 16, 12] == torch.tensor(self.spoil)).all(1)
            smooth_B3HW[spoilt_B] = torch.nan
        if self.kind == "heatmap":
            maps = HeatmapOutput(F.avg_pool2d(smooth_B3HW, 2) - 0.2)
        else:
            x_BKW, y_BKW = (F.interpolate(smooth_B3HW.mean(axis), scale_factor=2) for axis in (2, 3))
            maps = SimCCOutput(8 * x_BKW - 4, 8 * y_BKW - 4)
        keypoints = colours_B3HW[:, :, :2, 5].numpy() * 20
        return TeacherOutput(maps, keypoints, colours_B3HW.amax((2, 3)).numpy())

    def storage_fidelity(self, images_BHW3: Tensor) -> None:
        return None


def make_table(folder: Path, num_crops: int = 10) -> CropTable:
    """Two crops an image, images of smooth noise by fixed seeds."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{row // 2:03d}.png" for row in range(num_crops)]
    for index, name in enumerate(sorted(set(names))):
        noise = np.random.default_rng(index).integers(0, 256, (8, 10, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / name), cv2.resize(noise, (60, 48), interpolation=cv2.INTER_CUBIC))
    boxes = np.random.default_rng(7).uniform((0, 0, 20, 20), (20, 20, 40, 28), (num_crops, 4))
    return CropTable(
        dataset="noise",
        convention="coco17",
        images_root=folder,
        image=names,
        image_sha256=[hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names],
        image_size=np.tile(np.array([[60, 48]], dtype=np.int32), (num_crops, 1)),
        image_id=np.arange(num_crops, dtype=np.int64) // 2,
        annotation_id=np.arange(num_crops, dtype=np.int64),
        crop_id=np.random.default_rng(3).integers(0, 2**62, num_crops),
        bbox=boxes,
        box_score=np.ones(num_crops, dtype=np.float32),
        keypoints=np.zeros((num_crops, 17, 2), dtype=np.float32),
        visibility=np.zeros((num_crops, 17), dtype=np.uint8),
        area=np.ones(num_crops),
        iscrowd=np.zeros(num_crops, dtype=bool),
        labelled=np.zeros(num_crops, dtype=bool),
    )


def shard_files(store: Path) -> dict[str, bytes]:
    """Every file that holds rows, by its place below the store."""
    return {str(file.relative_to(store)): file.read_bytes() for file in sorted(store.glob("*/c.*"))}


def without_fidelity(store: Path) -> None:
    """Put the store's metadata back to what it was before the cell was complete."""
    attributes = open_store(store).attributes
    attributes.pop("fidelity")
    for place, data in metadata_files(attributes).items():
        (store / place).write_bytes(data)
