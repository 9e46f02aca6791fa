"""A tiny workspace: pictures of coloured dots for joints, labels, and teachers who know where they are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import yaml

from pipeline.conventions.convention import Convention
from pipeline.conventions.registry import load_convention
from pipeline.datasets.crop_table import CropTable, write_crop_table
from pipeline.files.hashes import sha256_of
from pipeline.geometry import CropGeometry, MapGeometry, apply, compose
from pipeline.geometry.views import draw_view, view_affine
from pipeline.params import ExtractParams
from pipeline.store.format.cell import CellSpec
from pipeline.store.format.map_codec import MapCodec
from pipeline.store.format.rows import CellRows, HeatmapRows, RowKeys, SimCCRows
from pipeline.store.write.row_plan import wanted_keys
from pipeline.store.write.writer import StoreWriter, create_store
from pipeline.teachers.maps import HeatmapOutput, Maps, SimCCOutput
from pipeline.workspace import Workspace

IMAGE_SIZE = (120, 150)
PLACES = {
    "nose": (0, -4.2),
    "eye": (0.4, -4.6),
    "ear": (0.9, -4.4),
    "shoulder": (1.5, -2.6),
    "elbow": (2.3, -0.9),
    "wrist": (2.6, 0.9),
    "hip": (0.9, 1.0),
    "knee": (1.1, 3.0),
    "ankle": (1.2, 5.0),
    "pelvis": (0, 1.0),
    "thorax": (0, -2.6),
    "upper_neck": (0, -3.2),
    "head_top": (0, -5.6),
}
"""Of a person standing, in about tenths of the height; the person's left is on the picture's right."""


def place(joint: str) -> tuple[float, float]:
    side, _, part = joint.partition("_")
    if side not in ("left", "right"):
        return PLACES[joint]
    x, y = PLACES[part]
    return (x if side == "left" else -x, y)


def dots(joints: tuple[str, ...], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Image pixels of every joint of one person."""
    centre, unit = np.array([60, 75]) + rng.uniform(-4, 4, 2), rng.uniform(9, 11)
    return {joint: centre + unit * (np.array(place(joint)) + rng.uniform(-0.3, 0.3, 2)) for joint in joints}


def colour(joint: str) -> tuple[int, ...]:
    return tuple(80 + byte % 176 for byte in sha256(joint.encode()).digest()[:3])


@dataclass
class DotsTeacher:
    """A teacher by attributes only; its maps are Gaussians at the true joints."""

    name: str
    convention: Convention
    crop: CropGeometry
    map: MapGeometry
    beta: float | None
    flip_test: bool = True
    provenance: Mapping[str, Any] = field(default_factory=lambda: {"flip_test": True})

    def predict(self, images_BHW3: Any) -> Any:
        raise NotImplementedError

    def storage_fidelity(self, images_BHW3: Any) -> None:
        return None


def heatmap_teacher(name: str = "dots_heatmap", padding: float = 1.1) -> DotsTeacher:
    return DotsTeacher(
        name,
        load_convention("mpii16"),
        CropGeometry((128, 128), padding),
        MapGeometry("heatmap", (32, 32), (4.0, 4.0)),
        None,
    )


def simcc_teacher(name: str = "dots_simcc") -> DotsTeacher:
    return DotsTeacher(
        name,
        load_convention("mpii16"),
        CropGeometry((96, 128), 1.25),
        MapGeometry("simcc", (192, 256), (0.5, 0.5)),
        10.0,
    )


def gaussians(positions_BK: np.ndarray, size: int, sigma: float) -> torch.Tensor:
    distance = np.arange(size) - positions_BK[..., None]
    return torch.from_numpy(np.exp(-(distance**2) / (2 * sigma**2)).astype(np.float32))


def answers(
    teacher: DotsTeacher, table: CropTable, people: list[dict[str, np.ndarray]], extract: ExtractParams
) -> CellRows:
    """What the store holds of a teacher that is right about every joint, in every view."""
    keys = wanted_keys(table, extract.views)
    row_B = np.arange(len(keys)) % len(table)
    affine_B23 = compose(teacher.map.map_affine(), view_affines(teacher.crop, table, keys, extract))
    true_BK2 = np.array([[people[row][joint] for joint in teacher.convention.joints] for row in row_B])
    maps = maps_with_joints_at(apply(affine_B23, true_BK2), teacher.map)
    stored = MapCodec.of(extract, teacher.map.kind, teacher.beta).encode(maps)
    floor_BK = stored.pop("floor").numpy().astype(np.float16)
    rows = HeatmapRows if teacher.map.kind == "heatmap" else SimCCRows
    return CellRows(
        keys=keys,
        maps=rows(*(stored[name].numpy() for name in rows_order(teacher.map.kind))),
        confidence_BK=np.full(true_BK2.shape[:2], 0.9, np.float32),
        keypoints_BK2=true_BK2.astype(np.float32),
        affine_B23=affine_B23,
        drift_BK=np.zeros(true_BK2.shape[:2], np.float16),
        error_BK=np.zeros(true_BK2.shape[:2], np.float16),
        floor_BK=floor_BK,
    )


def rows_order(kind: str) -> tuple[str, ...]:
    """The arrays of a cell's rows as their dataclass takes them."""
    if kind == "heatmap":
        return "map", "peak", "base"
    return "map_x", "map_y", "peak_x", "peak_y", "base_x", "base_y"


def view_affines(crop: CropGeometry, table: CropTable, keys: RowKeys, extract: ExtractParams) -> np.ndarray:
    """Image pixels to input pixels, of every key."""
    return np.stack(
        [
            view_affine(table.bbox[number % len(table)], crop, draw_view(extract.views, crop_id, view))
            for number, (crop_id, view, _) in enumerate(keys.tuples())
        ]
    )


def maps_with_joints_at(cells_BK2: np.ndarray, geometry: MapGeometry) -> Maps:
    """Gaussians, as a heatmap or as SimCC logits."""
    sigma = 1.5 if geometry.kind == "heatmap" else 5.0
    x, y = (gaussians(cells_BK2[..., axis], geometry.size[axis], sigma) for axis in (0, 1))
    if geometry.kind == "heatmap":
        return HeatmapOutput(y[..., :, None] * x[..., None, :])
    return SimCCOutput(x, y)


@dataclass
class TinyWorkspace:
    """Builds pictures, tables, stores and params under `root`."""

    root: Path
    people: dict[str, list[dict[str, np.ndarray]]] = field(default_factory=dict)
    tables: dict[str, CropTable] = field(default_factory=dict)

    def add_dataset(self, name: str, crops: int, convention: str = "coco17", seed: int = 0) -> CropTable:
        joints = load_convention(convention).joints
        everyone = tuple(dict.fromkeys([*joints, *load_convention("mpii16").joints]))
        rng = np.random.default_rng([seed, *name.encode()])
        folder = self.root / "data" / name
        folder.mkdir(parents=True)
        people = [dots(everyone, rng) for _ in range(crops)]
        for number, person in enumerate(people):
            image = np.full((IMAGE_SIZE[1], IMAGE_SIZE[0], 3), 30, np.uint8)
            for joint, point in person.items():
                cv2.circle(image, tuple(int(v) for v in point.round()), 4, colour(joint), -1)
            cv2.imwrite(str(folder / f"{number}.png"), image)
        keypoints = np.array([[person[joint] for joint in joints] for person in people], np.float32)
        low, high = keypoints.min(1) - 6, keypoints.max(1) + 6
        table = CropTable(
            dataset=name,
            convention=convention,
            images_root=folder,
            image=[f"{number}.png" for number in range(crops)],
            image_sha256=[sha256_of(folder / f"{number}.png") for number in range(crops)],
            image_size=np.array([IMAGE_SIZE] * crops, np.int32),
            image_id=np.arange(crops),
            annotation_id=np.arange(crops),
            crop_id=np.arange(crops) + 1000 * (1 + seed),
            bbox=np.concatenate([low, high - low], 1).astype(np.float64),
            box_score=np.ones(crops, np.float32),
            keypoints=keypoints,
            visibility=np.full(keypoints.shape[:2], 2, np.uint8),
            area=np.prod(high - low, 1).astype(np.float64),
            iscrowd=np.zeros(crops, bool),
            labelled=np.ones(crops, bool),
        )
        self.people[name] = people
        self.save_table(table)
        return table

    def save_table(self, table: CropTable) -> None:
        self.tables[table.dataset] = table
        write_crop_table(table, self.root / "crops" / table.dataset)

    def add_store(self, teacher: DotsTeacher, dataset: str, workspace: Workspace) -> Path:
        """A complete store, of one shard."""
        table, path = self.tables[dataset], workspace.store(teacher.name, dataset)
        spec = CellSpec.of(teacher, table, workspace.params.extract)
        with StoreWriter(create_store(path, spec)) as writer:
            rows = answers(teacher, table, self.people[dataset], workspace.params.extract)
            writer.write(writer.store.layout.shards[0], rows)
        return path

    def open(
        self,
        teachers: tuple[str, ...] = ("dots_heatmap",),
        only: Mapping[str, Sequence[str]] | None = None,
        **sections: Any,
    ) -> Workspace:
        """Params for every dataset added, with these teachers; `only`: the datasets of those that have a list
        of their own; `sections` replace whole sections or parts."""
        names = list(self.tables)
        params = {
            "cells": {"teachers": list(teachers), "datasets": names},
            "datasets": {
                name: {
                    "format": "coco",
                    "convention": table.convention,
                    "images": f"data/{name}",
                    "annotations": f"data/{name}.json",
                }
                for name, table in self.tables.items()
            },
            "teachers": {
                name: {"adapter": "onnx", "checkpoint": "none", "config": "none", "convention": "mpii16"}
                | ({"datasets": list(only[name])} if name in (only or {}) else {})
                for name in teachers
            },
            "student": {
                "backbone": "mobilenet_v3_small",
                "input_size": [64, 96],
                "width": 16,
                "sigma": 1.5,
            },
            "train": {"datasets": names, "epochs": 2, "batch_size": 4},
            "evaluate": {"datasets": names},
            "runtime": {"device": "cpu", "workers": 0},
        }
        for section, values in sections.items():
            params[section] = {**params.get(section, {}), **values}
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / "params.yaml").write_text(yaml.safe_dump(params))
        return Workspace.open(self.root)


@pytest.fixture
def tiny(tmp_path: Path) -> TinyWorkspace:
    return TinyWorkspace(tmp_path / "workspace")


@pytest.fixture
def make_heatmap_teacher() -> Callable[..., DotsTeacher]:
    return heatmap_teacher


@pytest.fixture
def make_simcc_teacher() -> Callable[..., DotsTeacher]:
    return simcc_teacher


@pytest.fixture
def colour_of_joint() -> Callable[[str], tuple[int, ...]]:
    """BGR of a joint's dot."""
    return colour
