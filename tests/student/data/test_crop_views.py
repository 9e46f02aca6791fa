"""What extraction writes is what training looks for."""

import dataclasses
from hashlib import sha256

import numpy as np
import pytest
import torch

from pipeline.errors import KDError
from pipeline.extraction.extract import extract_cell
from pipeline.geometry import compose
from pipeline.geometry.views import view_affine
from pipeline.params import ExtractParams, RuntimeParams, ViewsParams
from pipeline.store.read.reader import StoreReader
from pipeline.teachers.maps import HeatmapOutput, TeacherOutput
from student.data.crop_views import CropViews

RUNTIME = RuntimeParams(device="cpu", batch_size=3, workers=0)


def brightness(images_BHW3: torch.Tensor) -> TeacherOutput:
    """The same map for all sixteen joints."""
    map_BHW = images_BHW3.float().mean(3)[:, ::4, ::4] / 255
    joints = (len(map_BHW), 16)
    return TeacherOutput(
        HeatmapOutput(map_BHW[:, None].repeat(1, 16, 1, 1)),
        np.zeros((*joints, 2), np.float32),
        np.ones(joints, np.float32),
    )


@pytest.fixture
def teacher(make_heatmap_teacher):
    made = make_heatmap_teacher()
    made.predict = brightness
    return made


@pytest.fixture
def table(tiny):
    table = tiny.add_dataset("dots", 5)
    hashes = [sha256(table.image_path(row).read_bytes()).hexdigest() for row in range(5)]
    return dataclasses.replace(table, image_sha256=hashes)


def extracted(teacher, table, path, views: ViewsParams) -> StoreReader:
    extract_cell(teacher, table, path, ExtractParams(shard_size=4, views=views), RUNTIME)
    return StoreReader(path)


def test_every_view_of_every_crop_is_found_and_lies_where_the_view_says(teacher, table, tmp_path):
    for count in (2, 3):  # the second time, one more is appended
        views = ViewsParams(count=count, rotation_degrees=50)
        reader, crops = extracted(teacher, table, tmp_path / "cell.zarr", views), CropViews(table, views)
        assert reader.views == count
        rows = [crops.store_rows(reader, np.arange(5), number) for number in range(count + 1)]
        assert len(np.unique(rows)) == 5 * (count + 1) and np.min(rows) >= 0
        for number, row_5 in enumerate(rows):
            affine_523 = [view_affine(table.bbox[i], teacher.crop, crops.view(i, number)) for i in range(5)]
            expected = compose(teacher.map.map_affine(), np.stack(affine_523))
            assert np.array_equal(reader.column("affine")[row_5], expected)


def test_views_of_another_seed_and_beyond_the_last_are_not_found(teacher, table, tmp_path):
    reader = extracted(teacher, table, tmp_path / "cell.zarr", ViewsParams(count=1))
    assert (CropViews(table, ViewsParams(count=1)).store_rows(reader, np.arange(5), 2) == -1).all()
    other = CropViews(table, ViewsParams(count=1, seed=8))
    assert (other.store_rows(reader, np.arange(5), 1) == -1).all()
    assert (other.plain_store_rows(reader, "t", np.arange(5)) >= 0).all()


def test_a_crop_that_changed_is_found_again_once_it_was_appended(teacher, table, tmp_path):
    path, views = tmp_path / "cell.zarr", ViewsParams(count=0)
    before = extracted(teacher, table, path, views)
    bbox = table.bbox.copy()
    bbox[2] += 3
    changed = dataclasses.replace(table, bbox=bbox)
    crops = CropViews(changed, views)
    assert crops.store_rows(before, np.arange(5), 0).tolist() == [0, 1, -1, 3, 4]
    with pytest.raises(KDError, match="the store of dots_heatmap for dots lacks 1 of 5 crops"):
        crops.plain_store_rows(before, "dots_heatmap", np.arange(5))
    after = extracted(teacher, changed, path, views)
    rows = crops.plain_store_rows(after, "dots_heatmap", np.arange(5))
    assert rows[[0, 1, 3, 4]].tolist() == [0, 1, 3, 4] and rows[2] > 4
