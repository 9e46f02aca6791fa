"""docs/store-format.md alone is enough: its examples run, and its formulas, typed in here once more, give our
numbers."""

import base64
import hashlib
import json
import re
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import zarr
from fake_cell import EXTRACT, RUNTIME, FakeTeacher

from pipeline.datasets.crop_table import write_crop_table
from pipeline.extraction.extract import extract_cell
from pipeline.params import ExtractParams, ViewsParams
from pipeline.store.format.map_codec import MapCodec
from pipeline.store.read.reader import StoreReader
from pipeline.teachers.maps import Maps

CELL = "stores/{}/coco-train.zarr"


@pytest.fixture
def cells(heatmap_store, simcc_store, tmp_path, monkeypatch) -> Path:
    """The folder that the examples' paths are in."""
    root = tmp_path / "document"
    for teacher, store in (("hrnet", heatmap_store), ("rtmpose", simcc_store)):
        shutil.copytree(store, root / CELL.format(teacher))
    monkeypatch.chdir(root)
    return root


def examples(repository: Path, language: str) -> list[str]:
    document = (repository / "docs/store-format.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", document, re.DOTALL)


def decoded(store: Path) -> Maps:
    """By our own codec."""
    reader = StoreReader(store)
    codec = MapCodec.from_json(reader.attributes["map_geometry"]["kind"], reader.attributes["codec"])
    rows = reader.read(np.arange(10)).maps.arrays()
    return codec.decode({name: torch.from_numpy(array) for name, array in rows.items()})


def test_the_examples_in_python_read_the_maps(repository, cells):
    with_zarr, with_tensorstore = examples(repository, "python")
    found = {}
    exec(with_zarr, found)
    ours = decoded(cells / CELL.format("hrnet")).heatmap_BKHW.numpy()
    assert found["heatmaps"] == pytest.approx(ours, rel=3e-7, abs=1e-7)
    found = {}
    exec(with_tensorstore, found)
    ours = decoded(cells / CELL.format("rtmpose")).x_BKW.numpy()[[5, 3, 8]]
    assert found["logits_x"] == pytest.approx(ours, abs=1e-5)


def test_the_examples_take_step_and_sharpness_from_the_store(repository, cells):
    """In steps of 1, the highest byte of these stores, 128, is half of the peak."""
    for path in (cells / CELL.format(teacher) / "zarr.json" for teacher in ("hrnet", "rtmpose")):
        content = json.loads(path.read_text())
        content["attributes"]["codec"] |= {"step": 1, "sharpness": 5.0}
        path.write_text(json.dumps(content))
    of_heatmaps, of_vectors = {}, {}
    for example, found in zip(examples(repository, "python"), (of_heatmaps, of_vectors), strict=True):
        exec(example, found)
    top = of_heatmaps["heatmaps"].max((2, 3))
    assert top == pytest.approx(of_heatmaps["peak"][..., 0, 0] * 128 / 255)
    q, logits, peak = (of_vectors[name] for name in ("q", "logits_x", "peak"))
    assert logits[q == 128] == pytest.approx((peak + np.log(128 / 255) / 5.0).ravel(), abs=1e-5)


@pytest.mark.parametrize("kind", ["heatmap", "simcc"])
def test_arithmetic_in_float64_is_as_near_as_the_document_says(kind, request):
    store = request.getfixturevalue(f"{kind}_store")
    group = zarr.open_group(store, mode="r")
    codec = group.attrs["codec"]

    def array(name):
        return group[name][:].astype(np.float64)

    if kind == "heatmap":
        q, peak, base = array("map"), array("peak")[..., None, None], array("base")[..., None, None]
        expected = np.where(q == 0, base, np.minimum(q * codec["step"], 255) / 255 * peak)
        assert (np.abs(decoded(store).heatmap_BKHW.numpy() - expected) <= 3e-7 * peak).all()
        return
    for axis in "xy":
        q = np.cumsum(group[f"map_{axis}"][:], axis=-1, dtype=np.uint8).astype(np.float64)
        peak, base = array(f"peak_{axis}")[..., None], array(f"base_{axis}")[..., None]
        above_floor = (
            peak + np.log(np.minimum(np.maximum(q, 1) * codec["step"], 255) / 255) / codec["sharpness"]
        )
        apart = np.abs(getattr(decoded(store), f"{axis}_BKW").numpy() - np.where(q == 0, base, above_floor))
        assert (apart <= 3e-7 * (np.abs(peak) + 6 / codec["sharpness"])).all()


def fingerprint_of(row: dict, view: int, settings: dict) -> int:
    """As the document has it."""
    content = bytes.fromhex(row["image_sha256"]) + struct.pack("<4d", *row["bbox"])
    if view:
        text = f"kd-pipeline view 1\0{settings['seed']}\0{row['crop_id']}\0{view}"
        digest = hashlib.sha256(text.encode("ascii")).digest()
        u = [int.from_bytes(digest[6 * n : 6 * n + 6], "big") / 2**48 for n in range(5)]
        content += struct.pack(
            "<5d",
            1.0 if u[0] < settings["flip"] else 0.0,
            (2 * u[1] - 1) * settings["rotation_degrees"],
            1 + (2 * u[2] - 1) * settings["scale"],
            (2 * u[3] - 1) * settings["shift"],
            (2 * u[4] - 1) * settings["shift"],
        )
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "big") >> 1


def test_a_foreign_reader_finds_every_row_by_the_crop_table(table, tmp_path):
    views = ViewsParams(count=3, flip=0.5, seed=5)
    store = tmp_path / "s.zarr"
    extract_cell(FakeTeacher(), table, store, EXTRACT.model_copy(update={"views": views}), RUNTIME)
    rows = pq.read_table(write_crop_table(table, tmp_path), columns=["crop_id", "image_sha256", "bbox"])
    group = zarr.open_group(store, mode="r")
    expected = {
        (row["crop_id"], view, fingerprint_of(row, view, group.attrs["views"]))
        for row in rows.to_pylist()
        for view in range(4)
    }
    stored = zip(*(group[name][:].tolist() for name in ("crop_id", "view", "fingerprint")), strict=True)
    assert {key for key in stored if key[0] != -1} == expected and len(expected) == 40


def node(repository: Path, *arguments: str, script: str | None = None) -> str:
    """What a program prints that imports zarrita. Skips where there is no node, or no zarrita for it."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if not (repository / "node_modules" / "zarrita").is_dir():
        pytest.skip("zarrita is not installed: npm install --no-save zarrita@0.7 in the repository's root")
    done = subprocess.run(
        ["node", *arguments], cwd=repository, input=script, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("preset", ["balanced", "exact"])
@pytest.mark.parametrize("kind", ["heatmap", "simcc"])
def test_zarrita_reads_every_array_to_the_last_bit(repository, table, tmp_path, kind, preset):
    store = tmp_path / "s.zarr"
    extract_cell(FakeTeacher(kind), table, store, ExtractParams(shard_size=4, preset=preset), RUNTIME)
    group = zarr.open_group(store, mode="r")
    names = sorted(group.array_keys())
    script = Path(__file__).with_name("read_store.mjs")
    found = json.loads(node(repository, str(script), str(store), *names))
    assert sorted(found) == names
    for name, array in found.items():
        expected = group[name][:]
        assert (array["dtype"], array["shape"]) == (str(expected.dtype), list(expected.shape)), name
        assert base64.b64decode(array["bytes"]) == expected.tobytes(), name


def test_the_example_in_javascript_reads_the_maps(repository, cells):
    (example,) = examples(repository, "js")
    script = example.replace('"stores/', f'"{cells}/stores/') + "console.log(JSON.stringify([...heatmaps]))"
    heatmaps = np.array(json.loads(node(repository, "--input-type=module", "-", script=script)))
    ours = decoded(cells / CELL.format("hrnet")).heatmap_BKHW.numpy()
    assert heatmaps.reshape(ours.shape) == pytest.approx(ours, rel=3e-7, abs=1e-7)
