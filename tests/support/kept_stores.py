"""Writes tests/data/stores_format_2.zip: small stores as this version makes them, for later versions to read.

    PYTHONPATH=tests/support python -m kept_stores tests/data/stores_format_2.zip

Beside each store lies what it holds, read without this project: zarr-python and the arithmetic of
docs/store-format.md. Run it for a new format version only; a kept file is never written again.
"""

import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import zarr
from fake_cell import RUNTIME, FakeTeacher, make_table

from pipeline.extraction.extract import extract_cell
from pipeline.params import ExtractParams

SHARD_SIZE = 2
CROPS = 3
PRESETS = {"heatmap": "balanced", "simcc": "balanced", "heatmap_exact": "exact"}


def main(archive: Path) -> None:
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(archive, "x", zipfile.ZIP_DEFLATED) as file:
        folder = Path(name)
        table = make_table(folder / "images", CROPS)
        for store, preset in PRESETS.items():
            kind = store.partition("_")[0]
            teacher = FakeTeacher(kind, beta=10.0 if kind == "simcc" else None)
            params = ExtractParams(preset=preset, shard_size=SHARD_SIZE)
            extract_cell(teacher, table, folder / f"{store}.zarr", params, RUNTIME)
            np.savez(folder / f"{store}.npz", **decoded(folder / f"{store}.zarr"))
        kept = [*folder.glob("*.zarr/**/*"), *folder.glob("*.npz")]
        for path in sorted(path for path in kept if path.is_file() and ".partial" not in path.parts):
            file.write(path, path.relative_to(folder))


def decoded(store: Path) -> dict[str, np.ndarray]:
    group = zarr.open_group(store, mode="r")
    real = group["crop_id"][:] >= 0
    plain = ("crop_id", "fingerprint", "keypoints", "confidence", "affine")
    values = {name: group[name][:][real] for name in plain}
    codec, kind = group.attrs["codec"], group.attrs["map_geometry"]["kind"]
    for name, axis in {"heatmap": {"map": ""}, "simcc": {"map_x": "_x", "map_y": "_y"}}[kind].items():
        stored = group[name][:][real]
        if codec["dtype"] == "float16":
            values[name] = stored.astype(np.float32)
            continue
        shape = (...,) + (None,) * (stored.ndim - 2)
        peak, base = (group[f"{of}{axis}"][:][real][shape] for of in ("peak", "base"))
        if kind == "simcc":
            stored = np.cumsum(stored, axis=-1, dtype=np.uint8)
        weight = np.minimum(stored.astype(np.float32) * codec["step"], 255) / 255
        with np.errstate(divide="ignore"):
            above = peak * weight if kind == "heatmap" else peak + np.log(weight) / codec["sharpness"]
        values[name] = np.where(stored == 0, base, above).astype(np.float32)
    return values


if __name__ == "__main__":
    main(Path(sys.argv[1]))
