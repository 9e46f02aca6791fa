"""Stores that an earlier version wrote are read by this one: tests/support/kept_stores.py."""

import zipfile

import numpy as np
import pytest
import torch

from pipeline.store.format.map_codec import MapCodec
from pipeline.store.manage.verify import verify_store
from pipeline.store.read.reader import StoreReader

MAPS = {"heatmap": ("map_BKHW",), "simcc": ("x_BKW", "y_BKW")}
ARRAYS = {"map_BKHW": "map", "x_BKW": "map_x", "y_BKW": "map_y"}


@pytest.fixture(params=["heatmap", "simcc", "heatmap_exact"])
def kept(request, repository, tmp_path):
    """A store of format 2, and what it holds."""
    with zipfile.ZipFile(repository / "tests" / "data" / "stores_format_2.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path / f"{request.param}.zarr", np.load(tmp_path / f"{request.param}.npz")


def test_maps_joints_and_scores_are_those_that_were_stored(kept):
    path, expected = kept
    reader = StoreReader(path)
    rows = reader.rows_of(expected["crop_id"], expected["fingerprint"], 0)
    found = reader.read(rows)
    np.testing.assert_array_equal(found.crop_id_B, expected["crop_id"])
    np.testing.assert_array_equal(found.keypoints_BK2, expected["keypoints"])
    np.testing.assert_array_equal(found.confidence_BK, expected["confidence"])
    np.testing.assert_array_equal(found.affine_B23, expected["affine"])
    kind = reader.attributes["map_geometry"]["kind"]
    codec = MapCodec.from_json(kind, reader.attributes["codec"])
    maps = codec.decode({name: torch.from_numpy(values) for name, values in found.maps.arrays().items()})
    for name in MAPS[kind]:
        wanted = expected[ARRAYS[name]]
        np.testing.assert_allclose(
            getattr(maps, name.replace("map", "heatmap")), wanted, rtol=1e-6, atol=1e-6
        )


def test_nothing_of_them_is_damaged(kept):
    report = verify_store(kept[0])
    assert report.damages == () and report.missing == 0
