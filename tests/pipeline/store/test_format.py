"""Other people's Zarr libraries read a store by docs/store-format.md, without our code."""

import hashlib
import json
import struct

import google_crc32c
import numcodecs
import numpy as np
import pytest
import tensorstore
import torch
import zarr
from fake_cell import FakeTeacher

from pipeline.datasets.image_files import read_image
from pipeline.geometry import crop_affine, warp_crop

BETA = 10.0


def _with_zarr_python(store, name):
    return zarr.open_group(store, mode="r")[name][:]


def _with_tensorstore(store, name):
    kvstore = {"driver": "file", "path": f"{store}/{name}"}
    return tensorstore.open({"driver": "zarr3", "kvstore": kvstore}, read=True).result().read().result()


def _by_the_document(store, name):
    """Nothing but bytes, zstd and crc32c."""
    metadata = json.loads((store / name / "zarr.json").read_text())
    inner = metadata["codecs"][0]["configuration"]
    shape, shard_size = metadata["shape"], metadata["chunk_grid"]["configuration"]["chunk_shape"][0]
    slots = shard_size // inner["chunk_shape"][0]
    chunks = []
    for shard in range(-(-shape[0] // shard_size)):
        data = (store / name / (f"c.{shard}" + ".0" * (len(shape) - 1))).read_bytes()
        index, checksum = data[-16 * slots - 4 : -4], data[-4:]
        assert struct.unpack("<I", checksum)[0] == google_crc32c.value(index)
        for slot in range(slots):
            offset, length = struct.unpack_from("<QQ", index, 16 * slot)
            if offset == 2**64 - 1:
                continue
            frame, checksum = data[offset : offset + length - 4], data[offset + length - 4 : offset + length]
            assert struct.unpack("<I", checksum)[0] == google_crc32c.value(frame)
            flat = np.frombuffer(
                numcodecs.Zstd().decode(frame), np.dtype(metadata["data_type"]).newbyteorder("<")
            )
            chunks.append(flat.reshape(inner["chunk_shape"]))
    return np.concatenate(chunks)[: shape[0]]


READERS = pytest.mark.parametrize("read", [_with_zarr_python, _with_tensorstore, _by_the_document])


def _teacher_output(table, kind):
    teacher = FakeTeacher(kind, beta=BETA if kind == "simcc" else None)
    affines = crop_affine(table.bbox, teacher.crop)
    crops = [
        warp_crop(read_image(table.image_path(row)), affines[row], teacher.crop.input_size)
        for row in range(len(table))
    ]
    return teacher.predict(torch.from_numpy(np.stack(crops)))


@READERS
def test_heatmaps_read_back_are_the_teachers(table, heatmap_store, read):
    step = zarr.open_group(heatmap_store, mode="r").attrs["codec"]["step"]
    q = read(heatmap_store, "map").astype(int)
    peak, base = (read(heatmap_store, name)[..., None, None] for name in ("peak", "base"))
    heatmaps = np.where(q == 0, base, np.minimum(q * step, 255) / 255 * peak)
    made = _teacher_output(table, "heatmap").maps.heatmap_BKHW.clamp(min=0).numpy()
    above_floor = made >= read(heatmap_store, "floor")[..., None, None].astype(float) * peak * 1.001
    assert (np.abs(heatmaps - made) <= peak / 255 * 1.001)[above_floor].all()
    assert (np.abs(heatmaps - made) <= 5 / 255 * peak * 1.001)[~above_floor].all()
    assert np.array_equal(heatmaps.max((2, 3)), made.max((2, 3)))
    assert heatmaps.sum((2, 3)) == pytest.approx(made.sum((2, 3)), rel=5e-3)


@READERS
def test_simcc_vectors_read_back_teach_the_teachers_distribution(table, simcc_store, read):
    codec = zarr.open_group(simcc_store, mode="r").attrs["codec"]
    for axis in "xy":
        peak, base = (read(simcc_store, f"{what}_{axis}")[..., None] for what in ("peak", "base"))
        q = np.cumsum(read(simcc_store, f"map_{axis}"), axis=-1, dtype=np.uint8).astype(int)
        with np.errstate(divide="ignore"):
            above_floor = peak + np.log(np.minimum(q * codec["step"], 255) / 255) / codec["sharpness"]
        logits = np.where(q == 0, base, above_floor)
        made = getattr(_teacher_output(table, "simcc").maps, f"{axis}_BKW")
        p, r = (torch.softmax(BETA * torch.as_tensor(v).double(), -1).numpy() for v in (made, logits))
        assert (p * (q == 0)).sum(-1) == pytest.approx((r * (q == 0)).sum(-1), rel=0.03)
        weight = np.exp(BETA * (made.numpy() - peak).astype(float))
        assert (np.abs(np.exp(BETA * (logits - peak)) - weight) <= 1.001 / 255)[q > 0].all()
        assert np.array_equal(logits.argmax(-1), made.numpy().argmax(-1))


@READERS
def test_the_other_arrays_read_back_are_the_teachers(table, simcc_store, read):
    output = _teacher_output(table, "simcc")
    assert np.array_equal(read(simcc_store, "crop_id"), table.crop_id)
    assert np.array_equal(read(simcc_store, "confidence"), output.confidence_BK)
    assert read(simcc_store, "affine").dtype == np.float64


def test_the_attributes_hash_is_what_the_document_says(heatmap_store):
    attributes = dict(zarr.open_group(heatmap_store, mode="r").attrs)
    recorded = attributes.pop("attributes_sha256")
    text = json.dumps(attributes, indent=2, sort_keys=True) + "\n"
    assert hashlib.sha256(text.encode()).hexdigest() == recorded


@pytest.mark.parametrize("kind", ["heatmap", "simcc"])
def test_the_document_lists_every_array_and_attribute(repository, kind, request):
    group = zarr.open_group(request.getfixturevalue(f"{kind}_store"), mode="r")
    document = (repository / "docs/store-format.md").read_text()
    for name in [*group.array_keys(), *group.attrs]:
        assert f"`{name}`" in document, name


def test_a_shard_file_is_the_one_that_zarr_python_writes(tmp_path, heatmap_store):
    """The same rows at the same level: what zarr-python stands on makes our frames and checksums, too."""
    ours = zarr.open_group(heatmap_store, mode="r")["map"]
    theirs = zarr.create_array(
        tmp_path / "map",
        shape=ours.shape,
        dtype=ours.dtype,
        shards=ours.shards,
        chunks=ours.chunks,
        compressors=ours.compressors,
        fill_value=0,
        chunk_key_encoding=ours.metadata.chunk_key_encoding,
        config={"write_empty_chunks": True},
    )
    theirs[:] = ours[:]
    files = sorted(path.name for path in (tmp_path / "map").glob("c.*"))
    assert files == sorted(path.name for path in (heatmap_store / "map").glob("c.*"))
    for name in files:
        assert (tmp_path / "map" / name).read_bytes() == (heatmap_store / "map" / name).read_bytes()
