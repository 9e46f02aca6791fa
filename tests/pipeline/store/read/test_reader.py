"""Random reads give what zarr-python reads, in every kind of process."""

import multiprocessing
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import zarr
from torch.utils.data import DataLoader, Dataset

from pipeline.errors import KDError
from pipeline.store.read.decode_threads import default_threads
from pipeline.store.read.reader import StoreReader

ROWS = np.array([9, 0, 4, 4, 7], dtype=np.int64)


def test_heatmaps_are_those_zarr_python_reads(heatmap_store):
    group = zarr.open_group(heatmap_store, mode="r")
    read = StoreReader(heatmap_store).read(ROWS)
    for name, values in read.arrays().items():
        assert np.array_equal(values, group[name][:][ROWS]), name
    assert set(read.arrays()) == {"map", "peak", "base", "confidence", "keypoints", "affine", "crop_id"}


def test_simcc_vectors_are_those_zarr_python_reads(simcc_store):
    group = zarr.open_group(simcc_store, mode="r")
    read = StoreReader(simcc_store).read(ROWS)
    for name, values in read.arrays().items():
        assert np.array_equal(values, group[name][:][ROWS]), name
    assert read.maps.x_BKW.shape == (5, 3, 48)
    assert read.maps.y_BKW.shape == (5, 3, 64)


def test_length_ids_and_attributes(heatmap_store, table):
    reader = StoreReader(heatmap_store)
    assert len(reader) == 10
    assert np.array_equal(reader.crop_id, table.crop_id)
    assert reader.attributes["teacher"] == "fake"


def test_no_rows_are_an_empty_answer(heatmap_store):
    assert StoreReader(heatmap_store).read(np.array([], dtype=np.int64)).maps.map_BKHW.shape == (0, 3, 16, 12)


@pytest.mark.parametrize("rows", [[10], [-1]])
def test_a_row_that_is_not_there_is_an_error(heatmap_store, rows):
    with pytest.raises(IndexError, match="of a store with 10"):
        StoreReader(heatmap_store).read(np.array(rows))


MANY = np.tile(ROWS, 20)
"""Enough for a second thread to be worth it."""


class _Sums(Dataset):
    """Of the maps of many rows, and the threads that decoded them."""

    def __init__(self, reader):
        self.reader = reader

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return [*self.reader.read(MANY).maps.map_BKHW.sum(axis=(1, 2, 3)).tolist(), default_threads()]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_reader_works_in_loader_workers_after_its_parent_has_read(heatmap_store, method):
    expected = zarr.open_group(heatmap_store, mode="r")["map"][:][MANY].sum(axis=(1, 2, 3)).tolist()
    reader = StoreReader(heatmap_store, threads=2)
    reader.read(MANY)  # its threads live on
    loader = DataLoader(_Sums(reader), batch_size=None, num_workers=1, multiprocessing_context=method)
    assert list(loader) == [[*expected, 1]] * 4
    assert _Sums(reader)[0][:-1] == expected


def _sums(reader, queue):
    read = reader.read(ROWS)
    queue.put(read.maps.map_BKHW.sum(axis=(1, 2, 3)).tolist() + read.crop_id_B.tolist())


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("read_in_parent", [False, True])
def test_a_reader_works_in_a_child_process(heatmap_store, method, read_in_parent):
    group = zarr.open_group(heatmap_store, mode="r")
    expected = group["map"][:][ROWS].sum(axis=(1, 2, 3)).tolist() + group["crop_id"][:][ROWS].tolist()
    reader = StoreReader(heatmap_store)
    if read_in_parent:
        reader.read(ROWS)
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=_sums, args=(reader, queue))
    child.start()
    assert queue.get(timeout=60) == expected
    child.join(60)
    assert child.exitcode == 0
    assert len(reader.read(ROWS)) == 5


def test_a_pickled_reader_carries_no_arrays(heatmap_store):
    reader = StoreReader(heatmap_store)
    reader.read(ROWS)
    travelled = pickle.dumps(reader)
    assert len(travelled) < 4096
    assert np.array_equal(pickle.loads(travelled).read(ROWS).maps.map_BKHW, reader.read(ROWS).maps.map_BKHW)


def test_an_incomplete_store_is_refused_with_the_command_that_completes_it(heatmap_store):
    (heatmap_store / "map/c.1.0.0.0").unlink()
    with pytest.raises(
        KDError, match=r"1 of 3 shards are missing, the first with rows 4 to 7.*--dataset noise"
    ):
        StoreReader(heatmap_store)


@pytest.mark.parametrize("name", ["map/c.1.0.0.0", "peak/c.1.0"])
@pytest.mark.parametrize("how", ["flip", "truncate", "remove"])
def test_a_shard_damaged_after_opening_is_named_with_its_rows(heatmap_store, name, how):
    reader = StoreReader(heatmap_store)
    file = heatmap_store / name
    data = bytearray(file.read_bytes())
    if how == "remove":
        file.unlink()
    elif how == "truncate":
        file.write_bytes(data[:-30])
    else:
        data[3] ^= 1
        file.write_bytes(data)
    with pytest.raises(
        KDError, match=rf"{name} \(rows 4 to 7\) is missing or damaged.*extract-teachers --teacher"
    ):
        reader.read(np.arange(10))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads_reads_the_same(simcc_store, threads):
    expected = zarr.open_group(simcc_store, mode="r")["map_x"][:][MANY]
    assert np.array_equal(StoreReader(simcc_store, threads=threads).read(MANY).maps.x_BKW, expected)


def test_several_threads_of_a_program_may_read_at_once(heatmap_store):
    expected = zarr.open_group(heatmap_store, mode="r")["map"][:][MANY]
    reader = StoreReader(heatmap_store, threads=2)
    with ThreadPoolExecutor(4) as pool:
        for read in pool.map(reader.read, [MANY] * 16):
            assert np.array_equal(read.maps.map_BKHW, expected)


def test_a_batch_may_be_written_to(heatmap_store):
    """torch.from_numpy asks for that."""
    read = StoreReader(heatmap_store).read(ROWS)
    assert all(array.flags.writeable for array in read.arrays().values())


def test_a_store_made_again_in_its_place_is_not_mixed_with_the_old_one(heatmap_store, simcc_store):
    StoreReader(heatmap_store).read(ROWS)
    shutil.rmtree(heatmap_store)
    simcc_store.rename(heatmap_store)
    expected = zarr.open_group(heatmap_store, mode="r")["crop_id"][:][ROWS]
    read = StoreReader(heatmap_store).read(ROWS)
    assert np.array_equal(read.crop_id_B, expected)
    assert read.maps.x_BKW.shape == (5, 3, 48)
