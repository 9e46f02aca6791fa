"""Stored maps against the teacher asked again."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from fake_cell import EXTRACT, RUNTIME, FakeTeacher

from pipeline.errors import KDError
from pipeline.extraction.crop_batches import CropBatches
from pipeline.extraction.extract import extract_cell
from pipeline.extraction.live_fidelity import LiveFidelity, draw_sample, measure, measure_cell
from pipeline.params import ViewsParams
from pipeline.store.format.map_codec import MapCodec
from pipeline.store.read.reader import StoreReader
from pipeline.store.store import open_store

BETA = 10.0


def _measured(store, table, teacher, crops=10) -> LiveFidelity:
    return measure_cell(store, teacher, table, EXTRACT, RUNTIME, crops)[0]


def test_drift_is_what_extraction_measured(table, heatmap_store):
    measured = _measured(heatmap_store, table, FakeTeacher())
    stored = open_store(heatmap_store).column("drift").astype(np.float64)
    assert measured.drift_BK == pytest.approx(stored, abs=2e-3, nan_ok=True)


def test_divergence_and_rmse_are_those_of_torch(table, heatmap_store):
    measured = _measured(heatmap_store, table, FakeTeacher())
    reader = StoreReader(heatmap_store)
    teacher = FakeTeacher()
    request = CropBatches(table, teacher.crop).request(np.arange(10))
    made_BKN = teacher.predict(request.images_BHW3).maps.heatmap_BKHW.double().clamp(min=0).flatten(2)
    codec = MapCodec.from_json("heatmap", reader.attributes["codec"])
    arrays = reader.read(np.arange(10)).maps.arrays()
    read_BKN = (
        codec.decode({n: torch.from_numpy(a) for n, a in arrays.items()}).heatmap_BKHW.double().flatten(2)
    )
    p_BKN, q_BKN = (v / v.sum(-1, keepdim=True) for v in (made_BKN, read_BKN))
    expected = F.kl_div(q_BKN.log(), p_BKN, reduction="none").nan_to_num().sum(-1)
    assert measured.divergence_BK == pytest.approx(expected.numpy(), abs=1e-6)
    rmse = (made_BKN - read_BKN).norm(dim=-1) / made_BKN.norm(dim=-1)
    assert measured.rmse_BK == pytest.approx(rmse.numpy(), rel=1e-4)


def test_another_teacher_under_the_same_provenance_shows(table, simcc_store):
    right = _measured(simcc_store, table, FakeTeacher("simcc", beta=BETA)).summary()
    wrong = FakeTeacher("simcc", beta=BETA)
    own_answer = wrong.predict

    def other_answer(images):
        output = own_answer(images)
        maps = dataclasses.replace(output.maps, x_BKW=output.maps.x_BKW.flip(-1))
        return dataclasses.replace(output, maps=maps)

    wrong.predict = other_answer
    shown = _measured(simcc_store, table, wrong).summary()
    assert right["kl_nats"] < 0.05 < shown["kl_nats"]
    assert right["relative_rmse"] < 0.05 < shown["relative_rmse"]


def test_ties_are_counted_and_left_out():
    drift = np.array([[0.1, np.nan], [0.3, 0.2]])
    tied = np.array([[False, False], [True, False]])
    fidelity = LiveFidelity(("a", "b"), drift, np.ones((2, 2)), np.ones((2, 2)), tied)
    assert fidelity.summary()["joints_measured"] == 2
    assert fidelity.summary()["ties"] == 1
    assert fidelity.summary()["drift_p100_px"] == pytest.approx(0.2)
    assert fidelity.by_joint()["b"]["joints_measured"] == 1


def test_a_sample_is_spread_over_the_rows_of_crops_that_are_wanted(table, heatmap_store):
    wanted = CropBatches(table, FakeTeacher().crop).keys[np.array([0, 3, 9])]
    sample = draw_sample(open_store(heatmap_store), wanted, 2)
    assert sample.row_S.tolist() == [0, 9]
    assert sample.key_S.tolist() == [0, 2]


def test_a_store_of_none_of_the_crops_is_an_error(table, heatmap_store):
    moved = dataclasses.replace(table, bbox=table.bbox + 1)
    wanted = CropBatches(moved, FakeTeacher().crop).keys
    with pytest.raises(KDError, match="holds none of the 10 crops of the crop table"):
        draw_sample(open_store(heatmap_store), wanted, 2)


def test_mirrored_views_are_compared_joint_by_joint(table, tmp_path):
    extract = EXTRACT.model_copy(update={"views": ViewsParams(count=1, flip=1.0)})
    extract_cell(FakeTeacher(), table, tmp_path / "s.zarr", extract, RUNTIME)
    store, batches = open_store(tmp_path / "s.zarr"), CropBatches(table, FakeTeacher().crop, extract.views)
    measured = measure(store, draw_sample(store, batches.keys, 20), FakeTeacher(), batches, RUNTIME)
    assert len(measured.drift_BK) == 20
    assert measured.rmse_BK.max() < 0.1  # another joint's map would be far off
