"""A workspace to measure training in, where the user names none of his own."""

from pathlib import Path
from typing import Any

import torch
import yaml

from benchmarks.cases.cell_case import REAL, pack, table_for
from pipeline.datasets.crop_table import CropTable, write_crop_table
from pipeline.extraction.extract import extract_cell
from pipeline.params import TeacherParams
from pipeline.teachers.adapters.registry import build_teacher
from pipeline.workspace import Workspace

TEACHERS = ("movenet_thunder", "cpm", "efficientpose_I")
"""Of the real-data pack: heatmaps of three networks, over three conventions."""
EFFICIENTPOSE_STORED = (64, 64)
"""It answers with 256 x 256 cells, one to a pixel."""


def make_workspace(folder: Path, crops: int) -> Workspace:
    """Crops of the pack's lspet, and its three ONNX teachers' stores of them, made as users make them but
    without the flip test, which changes neither the stores' size nor the cost of training from them."""
    table = table_for(TEACHERS[0], crops, folder / "images")
    (folder / "params.yaml").write_text(yaml.safe_dump(_params(table)))
    workspace = Workspace.open(folder)
    params = workspace.params
    write_crop_table(table, workspace.crops(table.dataset))
    for name in TEACHERS:
        teacher = build_teacher(name, params.teachers[name], folder, torch.device("cpu"))
        extract_cell(teacher, table, workspace.store(name, table.dataset), params.extract, params.runtime)
    return workspace


def _params(table: CropTable) -> dict[str, Any]:
    dataset = {"format": "coco", "convention": table.convention, "annotations": next(iter(table.sources))}
    return {
        "cells": {"teachers": list(TEACHERS), "datasets": [table.dataset]},
        "datasets": {table.dataset: {**dataset, "images": str(table.images_root)}},
        "teachers": {name: _teacher(name).model_dump(mode="json") for name in TEACHERS},
        "train": {"datasets": [table.dataset]},
        "evaluate": {"datasets": [table.dataset]},
        "runtime": {"device": "cpu"},
    }


def _teacher(name: str) -> TeacherParams:
    root, params = pack(), REAL[name]
    stored = EFFICIENTPOSE_STORED if name == "efficientpose_I" else None
    paths = {"config": str(root / params.config), "checkpoint": str(root / params.checkpoint)}
    return params.model_copy(update={**paths, "flip_test": False, "storage_size": stored})
