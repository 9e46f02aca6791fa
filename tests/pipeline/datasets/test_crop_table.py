"""The crop table's file and its hashes."""

import dataclasses
import os

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.datasets.crop_table import CropTable, read_crop_table, write_crop_table
from pipeline.errors import KDError


def changed(table: CropTable, field: str) -> CropTable:
    """The table with one value of `field` changed."""
    value = getattr(table, field)
    if isinstance(value, list):
        return dataclasses.replace(table, **{field: [*value[:-1], "other"]})
    value = value.copy()
    value[-1] = ~value[-1] if value.dtype == bool else value[-1] + 1
    return dataclasses.replace(table, **{field: value})


@pytest.fixture
def table(tiny) -> CropTable:
    return tiny.index()[0]


def test_a_table_comes_back_as_it_went(table, tmp_path):
    write_crop_table(table, tmp_path / "crops")
    back = read_crop_table(tmp_path / "crops", table.images_root)
    for field in dataclasses.fields(CropTable):
        ours, theirs = getattr(table, field.name), getattr(back, field.name)
        if isinstance(ours, np.ndarray):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)
        else:
            assert ours == theirs
    assert (back.sha256, back.labels_sha256) == (table.sha256, table.labels_sha256)


def test_the_same_table_gives_the_same_bytes(tiny, tmp_path):
    first = write_crop_table(tiny.index()[0], tmp_path / "one").read_bytes()
    assert write_crop_table(tiny.index()[0], tmp_path / "two").read_bytes() == first


def test_the_same_people_in_another_order_give_the_same_hashes_of_another_file(tiny):
    table = tiny.index()[0]
    tiny.value["annotations"].reverse()
    again = tiny.index()[0]
    assert (again.sha256, again.labels_sha256) == (table.sha256, table.labels_sha256)
    assert list(again.sources) == list(table.sources) and again.sources != table.sources


def test_other_tools_read_dataset_convention_and_hashes_from_the_schema(table, tmp_path):
    metadata = pq.read_schema(write_crop_table(table, tmp_path)).metadata
    assert metadata[b"kd_dataset"] == b"tiny"
    assert metadata[b"kd_convention"] == b"coco17"
    assert metadata[b"kd_format_version"] == b"1"
    assert metadata[b"kd_sha256"] == table.sha256.encode()
    assert metadata[b"kd_labels_sha256"] == table.labels_sha256.encode()


@pytest.mark.parametrize("field", ["crop_id", "image_sha256", "bbox"])
def test_what_maps_depend_on_changes_both_hashes(table, field):
    assert changed(table, field).sha256 != table.sha256
    assert changed(table, field).labels_sha256 != table.labels_sha256


@pytest.mark.parametrize(
    "field",
    ["keypoints", "visibility", "area", "box_score", "image_id", "annotation_id", "iscrowd"],
)
def test_labels_change_the_second_hash_only(table, field):
    assert changed(table, field).sha256 == table.sha256
    assert changed(table, field).labels_sha256 != table.labels_sha256


def test_neither_the_folder_nor_the_name_changes_a_hash(table, tmp_path):
    moved = dataclasses.replace(table, images_root=tmp_path / "elsewhere", dataset="other")
    assert (moved.sha256, moved.labels_sha256) == (table.sha256, table.labels_sha256)


def test_a_missing_table_says_how_to_make_it(tmp_path):
    with pytest.raises(KDError, match="there is no crop table .*index-datasets"):
        read_crop_table(tmp_path, tmp_path)


def test_a_torn_file_is_refused(table, tmp_path):
    path = write_crop_table(table, tmp_path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(KDError, match="cannot be read.*index-datasets"):
        read_crop_table(tmp_path, tmp_path)


def test_a_changed_file_is_refused(table, tmp_path):
    path = write_crop_table(table, tmp_path)
    arrow = pq.read_table(path)
    pq.write_table(arrow.slice(1), path)
    with pytest.raises(KDError, match="does not match the hashes"):
        read_crop_table(tmp_path, tmp_path)


def test_another_format_version_and_a_foreign_file_are_refused(table, tmp_path):
    path = write_crop_table(table, tmp_path)
    arrow = pq.read_table(path)
    pq.write_table(arrow.replace_schema_metadata({**arrow.schema.metadata, b"kd_format_version": b"9"}), path)
    with pytest.raises(KDError, match="has crop table format 9, but 1 was wanted"):
        read_crop_table(tmp_path, tmp_path)
    pq.write_table(arrow.replace_schema_metadata(None), path)
    with pytest.raises(KDError, match="has crop table format none"):
        read_crop_table(tmp_path, tmp_path)


def test_nothing_but_the_table_is_left_in_the_folder(table, tmp_path):
    write_crop_table(table, tmp_path / "crops")
    assert os.listdir(tmp_path / "crops") == ["crops.parquet"]


def test_a_folder_that_cannot_be_written_is_named(table, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(KDError, match="cannot be written"):
        write_crop_table(table, tmp_path / "file" / "crops")


@pytest.mark.parametrize("field", ["image", "image_size", "labelled"])
def test_a_change_to_what_neither_hash_is_of_is_refused_too(table, tmp_path, field):
    """As if the file had been edited by hand: every hash in it stays what it was."""
    path = write_crop_table(table, tmp_path)
    written = pq.read_schema(path).metadata
    write_crop_table(changed(table, field), tmp_path)
    pq.write_table(pq.read_table(path).replace_schema_metadata(written), path)
    with pytest.raises(KDError, match="does not match the hashes"):
        read_crop_table(tmp_path, tmp_path)


def test_the_table_of_everyone_is_not_taken_for_that_of_the_crops(table, tmp_path):
    people = write_crop_table(table, tmp_path / "street" / "people")
    people.rename(tmp_path / "street" / people.name)
    with pytest.raises(KDError, match="does not match the hashes .* or belongs to another folder"):
        read_crop_table(tmp_path / "street", tmp_path)


def test_a_table_of_an_earlier_version_without_a_seal_is_read(table, tmp_path):
    path = write_crop_table(table, tmp_path)
    arrow = pq.read_table(path)
    metadata = {name: value for name, value in arrow.schema.metadata.items() if name != b"kd_seal"}
    pq.write_table(arrow.replace_schema_metadata(metadata), path)
    assert read_crop_table(tmp_path, tmp_path).sha256 == table.sha256


def test_a_column_that_is_gone_is_named(table, tmp_path):
    path = write_crop_table(table, tmp_path)
    pq.write_table(pq.read_table(path).drop_columns(["bbox"]), path)
    with pytest.raises(KDError, match="is not as it was written"):
        read_crop_table(tmp_path, tmp_path)
