"""Stores on servers read like local ones. Every server is on this machine."""

import sys

import fsspec
import numpy as np
import pytest
from file_server import PartsOfFiles, WholeFiles, serving
from torch.utils.data import DataLoader, Dataset

from pipeline.errors import KDError
from pipeline.files.durable import json_bytes
from pipeline.store.format.cell import group_metadata
from pipeline.store.read.reader import StoreReader
from pipeline.store.read.remote_bytes import RemoteBytes
from pipeline.store.read.remote_path import RemotePath, store_path
from pipeline.store.store import read_attributes

ROWS = np.array([9, 0, 4, 4, 7, 1, 2, 3], dtype=np.int64)


def _same(store, address):
    local, remote = StoreReader(store), StoreReader(address)
    assert len(remote) == len(local)
    expected, found = local.read(ROWS), remote.read(ROWS)
    assert np.array_equal(found.crop_id_B, expected.crop_id_B)
    assert np.array_equal(found.keypoints_BK2, expected.keypoints_BK2)
    for name, array in expected.maps.arrays().items():
        assert np.array_equal(found.maps.arrays()[name], array), name


@pytest.fixture
def web(heatmap_store):
    """The folder of `heatmap_store`, served."""
    PartsOfFiles.asked = []
    with serving(heatmap_store.parent, PartsOfFiles) as address:
        yield f"{address}/heatmap.zarr"


def test_a_store_on_a_web_server_is_read_by_ranges(heatmap_store, web):
    _same(heatmap_store, web)
    maps = [ranges for path, ranges in PartsOfFiles.asked if "/map/c." in path]
    assert None not in maps


def test_neighbouring_rows_are_one_request(web):
    reader = StoreReader(web)
    reader.read(np.array([0]))
    PartsOfFiles.asked.clear()
    reader.read(np.array([3, 1, 0]))
    assert len(PartsOfFiles.asked) == 1


def test_rows_far_apart_are_requests_of_their_own(tmp_path):
    PartsOfFiles.asked = []
    (tmp_path / "file").write_bytes(bytes(range(256)) * 1024)
    with serving(tmp_path, PartsOfFiles) as address:
        source = RemoteBytes(RemotePath(address))
        found = source.read([("file", 200_000, 2), ("file", 1, 2), ("file", 5, 1)])
        assert source.read_ends(["file", "none"], 2) == [b"\xfe\xff", b""]
    assert found == [b"\x40\x41", b"\x01\x02", b"\x05"]
    asked = sorted(ranges for path, ranges in PartsOfFiles.asked if path == "/file")
    assert asked == ["bytes=-2", "bytes=1-5", "bytes=200000-200001"]


def test_simcc_vectors_come_from_a_server_too(simcc_store):
    PartsOfFiles.asked = []
    with serving(simcc_store.parent, PartsOfFiles) as address:
        _same(simcc_store, f"{address}/simcc.zarr/")


def test_a_store_in_memory_is_read(heatmap_store):
    files = fsspec.filesystem("memory")
    files.put(str(heatmap_store), "/a/cell.zarr", recursive=True)
    try:
        _same(heatmap_store, "memory://a/cell.zarr")
    finally:
        files.rm("/a", recursive=True)


def test_a_file_address_is_the_folder_itself(heatmap_store):
    _same(heatmap_store, heatmap_store.as_uri())
    assert store_path(heatmap_store.as_uri()) == heatmap_store
    assert store_path(str(heatmap_store)) == heatmap_store


@pytest.fixture(scope="module")
def bucket():
    """The address of a bucket of a simulated S3."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    pytest.importorskip("s3fs")
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        environment.setenv("AWS_ACCESS_KEY_ID", "nobody")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        fsspec.filesystem("s3").mkdir("stores")
        yield "s3://stores"
        fsspec.filesystem("s3").clear_instance_cache()
    server.stop()


def test_a_store_on_s3_is_read(heatmap_store, bucket):
    fsspec.filesystem("s3").put(str(heatmap_store), f"{bucket}/cell.zarr", recursive=True)
    _same(heatmap_store, f"{bucket}/cell.zarr")


def test_a_store_that_is_not_on_s3_is_an_error(bucket):
    with pytest.raises(KDError, match="there is no store s3://stores/other.zarr"):
        StoreReader(f"{bucket}/other.zarr")


class _Reads(Dataset):
    def __init__(self, reader):
        self.reader = reader

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return int(self.reader.read(ROWS + 0 * index).maps.map_BKHW.sum())


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_remote_reader_works_in_workers_after_its_parent_has_read(web, method):
    reader = StoreReader(web)
    expected = int(reader.read(ROWS).maps.map_BKHW.sum())
    loader = DataLoader(_Reads(reader), batch_size=None, num_workers=1, multiprocessing_context=method)
    assert list(loader) == [expected] * 4
    assert int(reader.read(ROWS).maps.map_BKHW.sum()) == expected


def test_a_damaged_remote_shard_is_named_and_is_to_be_copied_again(heatmap_store, web):
    (heatmap_store / "map/c.1.0.0.0").write_bytes(b"\0" * 5000)
    with pytest.raises(
        KDError, match=r"http.*map/c.1.0.0.0 \(rows 4 to 7\) is missing or damaged. Copy it again from where"
    ):
        StoreReader(web).read(ROWS)


def test_a_remote_shard_that_has_gone_is_named(heatmap_store, web):
    (heatmap_store / "map/c.2.0.0.0").unlink()
    with pytest.raises(KDError, match=r"map/c.2.0.0.0 \(rows 8 to 9\) is missing or damaged"):
        StoreReader(web).read(ROWS)


def test_a_store_copied_before_it_was_complete_is_refused(heatmap_store, web):
    attributes = read_attributes(heatmap_store)
    del attributes["fidelity"]
    (heatmap_store / "zarr.json").write_bytes(json_bytes(group_metadata(attributes)))
    with pytest.raises(KDError, match="copied there before it was complete"):
        StoreReader(web)


def test_a_server_that_sends_whole_files_is_refused(heatmap_store):
    with serving(heatmap_store.parent, WholeFiles) as address:
        reader = StoreReader(f"{address}/heatmap.zarr")
        with pytest.raises(KDError, match="sends whole files where a part is asked for"):
            reader.read(ROWS)


def test_no_store_at_an_address_is_distinguished_from_no_server(heatmap_store, web):
    with pytest.raises(KDError, match="there is no store http.*other.zarr"):
        StoreReader(web.replace("heatmap", "other"))
    with pytest.raises(KDError, match=r"http://127.0.0.1:9/x.zarr/zarr.json cannot be read: .*the network"):
        StoreReader("http://127.0.0.1:9/x.zarr")


def test_an_address_nobody_knows_is_an_error():
    with pytest.raises(KDError, match="nonsense://x/y/zarr.json cannot be read: .*nonsense"):
        StoreReader("nonsense://x/y")


def test_an_address_whose_reader_is_not_installed_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(KDError, match=r"kd-pipeline\[remote\]"):
        StoreReader("gs://bucket/cell.zarr")
