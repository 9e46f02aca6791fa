"""What ends up in the store is the teacher's answer to each crop, whatever happened on the way."""

import dataclasses
import json

import numpy as np
import pytest
import torch
import zarr
from fake_cell import EXTRACT, RUNTIME, FakeTeacher, make_table, shard_files

from pipeline.datasets.image_files import read_image
from pipeline.errors import KDError
from pipeline.extraction.extract import extract_cell
from pipeline.geometry import crop_affine, warp_crop
from pipeline.store.format.cell import group_metadata
from pipeline.store.store import open_store
from pipeline.teachers.maps import HeatmapOutput

SAMPLED = 8
"""Crops that fidelity is measured on, of so small a cell."""


def _crops(table, crop):
    affines = crop_affine(table.bbox, crop)
    images = [
        warp_crop(read_image(table.image_path(row)), affines[row], crop.input_size)
        for row in range(len(table))
    ]
    return torch.from_numpy(np.stack(images)), affines


def test_every_row_is_the_teachers_answer_to_that_rows_crop(table, heatmap_store):
    group = zarr.open_group(heatmap_store, mode="r")
    teacher = FakeTeacher()
    images, affines = _crops(table, teacher.crop)
    output = teacher.predict(images)

    made = output.maps.heatmap_BKHW.clamp(min=0).numpy()
    peak = made.max((2, 3), keepdims=True)
    stored = np.minimum(group["map"][:] * 2.0, 255) / 255 * peak  # a step is two units
    assert (np.abs(stored - made) <= 5 / 255 * peak + 1e-6).all()
    assert np.array_equal(group["crop_id"][:], table.crop_id)
    assert np.array_equal(group["confidence"][:], output.confidence_BK)
    for row in range(len(table)):
        back = affines[row][:, :2] @ group["keypoints"][row].T.astype(np.float64) + affines[row][:, 2:]
        assert pytest.approx(output.keypoints_BK2[row], abs=1e-3) == back.T


def test_the_stored_affine_takes_image_pixels_to_map_cells(table, heatmap_store):
    stored = zarr.open_group(heatmap_store, mode="r")["affine"][:]
    input_from_image = crop_affine(table.bbox, FakeTeacher().crop)
    point = np.array([12.0, 30.0, 1.0])  # image pixels
    input_point = input_from_image[3] @ point
    assert stored[3] @ point == pytest.approx((input_point - 0.5) / 2.0)  # input = cell * 2 + 0.5


def test_worker_processes_give_the_same_bytes_as_none(table, tmp_path, heatmap_store):
    extract_cell(
        FakeTeacher(), table, tmp_path / "w.zarr", EXTRACT, RUNTIME.model_copy(update={"workers": 2})
    )
    assert shard_files(tmp_path / "w.zarr") == shard_files(heatmap_store)


def test_a_complete_cell_is_left_alone(table, heatmap_store):
    before = {file: file.stat().st_mtime_ns for file in heatmap_store.rglob("*")}
    teacher = FakeTeacher()
    report = extract_cell(teacher, table, heatmap_store, EXTRACT, RUNTIME)
    assert (report.crops, report.shards_written, report.shards_kept) == (0, 0, 3)
    assert teacher.answered == 0
    assert {file: file.stat().st_mtime_ns for file in heatmap_store.rglob("*")} == before


def test_only_the_missing_and_the_damaged_shard_are_computed_again(table, heatmap_store):
    whole = shard_files(heatmap_store)
    (heatmap_store / "peak/c.0.0").unlink()
    torn = heatmap_store / "map/c.2.0.0.0"
    torn.write_bytes(torn.read_bytes()[:-40])
    teacher = FakeTeacher()
    report = extract_cell(teacher, table, heatmap_store, EXTRACT, RUNTIME)
    assert (report.shards_written, report.shards_kept) == (2, 1)
    assert teacher.answered == 4 + 2 + SAMPLED
    assert shard_files(heatmap_store) == whole


def test_a_complete_store_on_a_read_only_disk_is_left_alone(table, heatmap_store, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pipeline.store.write.writer.Session", refuse)
    assert extract_cell(FakeTeacher(), table, heatmap_store, EXTRACT, RUNTIME).crops == 0


def test_a_disk_that_does_not_keep_what_is_written_stops_the_extraction(table, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.store.store.Store.is_whole", lambda *_: False)
    with pytest.raises(KDError, match=r"rows 0 to 3 of .* were written, and read back damaged"):
        extract_cell(FakeTeacher(), table, tmp_path / "s.zarr", EXTRACT, RUNTIME)


def test_a_cell_killed_before_its_fidelity_was_measured_gets_it(table, heatmap_store):
    place = heatmap_store / "zarr.json"
    attributes = json.loads(place.read_text())["attributes"]
    fidelity = attributes.pop("fidelity")
    place.write_text(json.dumps(group_metadata(attributes)))
    teacher = FakeTeacher()
    extract_cell(teacher, table, heatmap_store, EXTRACT, RUNTIME)
    assert teacher.answered == SAMPLED
    assert open_store(heatmap_store).attributes["fidelity"] == fidelity


def test_progress_counts_kept_crops_and_ends_at_the_total(table, heatmap_store):
    (heatmap_store / "map/c.1.0.0.0").unlink()
    reports = []
    extract_cell(
        FakeTeacher(), table, heatmap_store, EXTRACT, RUNTIME, lambda *values: reports.append(values)
    )
    assert [(done, total) for done, total, _ in reports] == [(9, 10), (10, 10)]  # batches of 3 and 1
    assert all(rate > 0 for *_, rate in reports)


def test_an_answer_that_is_not_finite_names_its_crops_and_keeps_what_was_finished(tmp_path):
    table = make_table(tmp_path / "images")
    images, _ = _crops(table, FakeTeacher().crop)
    spoilt = FakeTeacher(spoil=tuple(images[5, 16, 12].tolist()))
    store = tmp_path / "s.zarr"
    with pytest.raises(KDError, match=rf"1 crops .* NaN or infinite values \(crop ids {table.crop_id[5]}\)"):
        extract_cell(spoilt, table, store, EXTRACT, RUNTIME)
    assert [shard.index for shard in open_store(store).missing()] == [1, 2]
    assert not list(store.glob(".partial/*"))


def test_an_image_that_vanished_is_named_and_finished_shards_stay(tmp_path):
    table = make_table(tmp_path / "images")
    (tmp_path / "images/003.png").unlink()
    with pytest.raises(KDError, match=r"003\.png was there when the dataset was indexed.*index-datasets"):
        extract_cell(FakeTeacher(), table, tmp_path / "s.zarr", EXTRACT, RUNTIME)
    assert [shard.index for shard in open_store(tmp_path / "s.zarr").missing()] == [1, 2]


def test_an_image_that_changed_is_named_also_by_a_worker_process(tmp_path):
    table = make_table(tmp_path / "images")
    (tmp_path / "images/000.png").write_bytes((tmp_path / "images/001.png").read_bytes())
    runtime = RUNTIME.model_copy(update={"workers": 1})
    with pytest.raises(KDError, match=r"^the image .*000\.png has changed since the dataset was indexed"):
        extract_cell(FakeTeacher(), table, tmp_path / "s.zarr", EXTRACT, runtime)


def test_a_dataset_without_crops_is_an_error_and_makes_no_folder(tmp_path, table):
    empty = make_table(tmp_path / "images", num_crops=0)
    with pytest.raises(KDError, match="has no crops to extract.*refused.json"):
        extract_cell(FakeTeacher(), empty, tmp_path / "s.zarr", EXTRACT, RUNTIME)
    assert not (tmp_path / "s.zarr").exists()


def test_fidelity_is_in_the_attributes_of_a_complete_cell(heatmap_store):
    fidelity = open_store(heatmap_store).attributes["fidelity"]
    group = zarr.open_group(heatmap_store, mode="r")
    sure = group["peak"][:] > 0.3
    assert fidelity["joints_measured"] == sure.sum() > 0
    assert fidelity["drift_p99_px"] == pytest.approx(np.nanquantile(group["drift"][:].astype(float), 0.99))
    assert 0 < fidelity["max_error"] <= 1 / 255 + 1e-4
    size = sum(file.stat().st_size for file in (heatmap_store / "map").glob("c.*"))
    assert fidelity["bytes_per_crop"]["map"] == size / 10
    assert fidelity["storage"] is None


@pytest.mark.parametrize("level", [0.0, 1e-40, 0.29], ids=["nothing", "subnormal", "too little"])
def test_statistics_of_no_joint_are_null_and_say_how_many_they_are_of(table, tmp_path, monkeypatch, level):
    """A teacher that is sure of no joint of any crop."""
    teacher = FakeTeacher()
    sure = teacher.predict

    def unsure(images_BHW3):
        output = sure(images_BHW3)
        maps = HeatmapOutput(torch.full_like(output.maps.heatmap_BKHW, level))
        return dataclasses.replace(output, maps=maps)

    monkeypatch.setattr(teacher, "predict", unsure)
    extract_cell(teacher, table, tmp_path / "s.zarr", EXTRACT, RUNTIME)
    fidelity = open_store(tmp_path / "s.zarr").attributes["fidelity"]
    for statistics in (fidelity, fidelity["sampled"]):
        assert statistics["joints_measured"] == 0
        assert {value for name, value in statistics.items() if name.startswith("drift_")} == {None}


def test_infinite_drift_in_the_shards_of_an_earlier_version_leaves_statistics_that_json_has(
    table, tmp_path, monkeypatch
):
    def infinite(output, stored, geometry):
        return torch.full(output.maps.heatmap_BKHW.shape[:2], torch.inf)

    monkeypatch.setattr("pipeline.extraction.teacher_rows.map_drift", infinite)
    extract_cell(FakeTeacher(), table, tmp_path / "s.zarr", EXTRACT, RUNTIME)
    fidelity = open_store(tmp_path / "s.zarr").attributes["fidelity"]
    assert fidelity["drift_p50_px"] == fidelity["drift_max_px"] == 65504.0
