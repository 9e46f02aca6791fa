"""A cell of real answers to measure the store with, and a larger one made of copies of its shards."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases.cell_case import SYNTHETIC, pack, table_for, teacher_called
from pipeline.datasets.crop_table import CropTable
from pipeline.datasets.index import index_dataset
from pipeline.extraction.extract import extract_cell
from pipeline.params import DatasetParams, ExtractParams, RuntimeParams
from pipeline.store.format.cell import CellSpec
from pipeline.store.format.layout import Shard
from pipeline.store.format.shard_file import encode_chunk, encode_index
from pipeline.store.store import Store, open_store
from pipeline.store.write.writer import create_store

_RUNTIME = RuntimeParams(device="cpu", batch_size=32, workers=1)
_PEOPLE = (("lspet", "lsp14"), ("coco_tiny", "coco17"))
"""Datasets of the real-data pack, and their conventions."""


def make_cell(teacher: str, crops: int, path: Path, flip_test: bool, shard_size: int) -> dict[str, Any]:
    """A complete cell at `path`, extracted as a user does, and what that cost. One that is there stays."""
    costs = path.with_suffix(".json")
    if costs.is_file():
        return json.loads(costs.read_text())
    table = table_for(teacher, crops, path.parent / "images") if teacher == SYNTHETIC else _people(crops)
    extract = ExtractParams(shard_size=shard_size)
    report = extract_cell(teacher_called(teacher, flip_test), table, path, extract, _RUNTIME)
    figures = {
        "crops": report.crops,
        "seconds": report.seconds,
        "crops_per_s": report.crops_per_s,
        "waited_for_writer_s": report.waited_s,
        "waited_share": report.waited_s / report.seconds,
    }
    costs.write_text(json.dumps(figures))
    return figures


def _people(crops: int) -> CropTable:
    """Everybody in the pack's training splits, as often as it takes, each time with other boxes."""
    tables = [_indexed(*dataset) for dataset in _PEOPLE]
    images = [name for table in tables for name in table.image]
    hashes = [digest for table in tables for digest in table.image_sha256]
    boxes = np.concatenate([table.bbox for table in tables])
    sizes = np.concatenate([table.image_size for table in tables])
    person = np.sort(np.arange(crops) % len(boxes))
    again = np.r_[False, person[1:] == person[:-1]]
    return CropTable(
        dataset="people",
        convention="coco17",
        images_root=pack(),
        image=[images[row] for row in person],
        image_sha256=[hashes[row] for row in person],
        image_size=sizes[person],
        image_id=person,
        annotation_id=np.arange(crops),
        crop_id=np.arange(crops),
        bbox=np.where(again[:, None], _jittered(boxes[person]), boxes[person]),
        box_score=np.ones(crops, dtype=np.float32),
        keypoints=np.zeros((crops, 17, 2), dtype=np.float32),
        visibility=np.zeros((crops, 17), dtype=np.uint8),
        area=np.ones(crops),
        iscrowd=np.zeros(crops, dtype=bool),
        labelled=np.zeros(crops, dtype=bool),
    )


def _indexed(name: str, convention: str) -> CropTable:
    """Images named below the pack."""
    params = DatasetParams(
        format="coco",
        convention=convention,
        images=f"{name}/images",
        annotations=f"{name}/annotations/train.json",
    )
    table, _ = index_dataset(name, params, pack())
    return replace(table, image=[f"{name}/images/{image}" for image in table.image])


def _jittered(box_N4: np.ndarray) -> np.ndarray:
    """Shifted by up to 8 % of their size, and 0.85 to 1.2 times as large."""
    rng = np.random.default_rng(0)
    centre, size = box_N4[:, :2] + box_N4[:, 2:] / 2, box_N4[:, 2:]
    centre = centre + rng.uniform(-0.08, 0.08, size.shape) * size
    size = size * rng.uniform(0.85, 1.2, (len(size), 1))
    return np.concatenate([centre - size / 2, size], axis=1)


def make_copies(path: Path, times: int, target: Path) -> Path:
    """A cell with the shards of the one at `path`, which are full, over and over."""
    if not target.exists():
        source = open_store(path)
        draft = target.with_name("draft.zarr")
        shutil.rmtree(draft, ignore_errors=True)
        _copy_shards(source, _empty(source, times, draft))
        draft.rename(target)
    return target


def _empty(source: Store, times: int, path: Path) -> Store:
    layout = source.layout
    rows = len(layout.shards) * times * layout.shard_size
    attributes = source.attributes | {"crops": rows, "segments": [rows]}
    return create_store(path, CellSpec(attributes, source.provenance))


def _copy_shards(source: Store, target: Store) -> None:
    shards = source.layout.shards
    for shard in target.layout.shards:
        for array in target.layout.sealed:
            shutil.copyfile(source.file(array, shards[shard.index % len(shards)]), target.file(array, shard))
        _write_seal(target, shard)


def _write_seal(store: Store, shard: Shard) -> None:
    """Of the files that lie there: a seal is of a shard's place too, so it cannot be copied."""
    seal = store.layout.seal
    checksums = {array.name: store.sealing.of_file(array, shard, store.path) for array in store.layout.sealed}
    row = np.array([checksums[name] for name in store.layout.seal_order], dtype=seal.dtype)
    chunk = encode_chunk(np.tile(row, (seal.rows_per_chunk, 1)), zstd_level=3)
    store.file(seal, shard).write_bytes(chunk + encode_index([chunk], seal.slots))
