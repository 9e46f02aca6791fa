"""What the parts of reading and writing cost, on one core.

Legend: B crops, N bytes of one crop's map.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from benchmarks.cases.turns import take_turns
from pipeline.files.durable import write_durably
from pipeline.store.format.map_codec import MapCodec
from pipeline.store.format.shard_file import checksum_holds, decode_into, encode_chunk, encode_index
from pipeline.store.read.local_bytes import LocalBytes
from pipeline.store.read.reader import MapReader, StoreReader
from pipeline.store.store import open_store

GATHER = 256


def costs(path: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """Writing, dequantising, reading in workers, and reading taken apart."""
    return {
        "writing": writing(path, rounds, seconds),
        "dequantising": dequantising(path, rounds, seconds),
        "workers": {method: in_worker(path, method, rounds, seconds) for method in ("fork", "spawn")},
        "parts": parts(path, rounds, seconds),
    }


def writing(path: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """`compress`: zstd and crc32c alone; `shard`: with the file, on the disk before it counts."""
    store = open_store(path)
    level, size = store.attributes["codec"]["zstd_level"], store.layout.shard_size
    map_BKHW = StoreReader(path).read(np.arange(min(size, store.layout.num_rows))).maps.map_BKHW

    def chunks() -> list[bytes]:
        return [encode_chunk(map_BKHW[row : row + 1], level) for row in range(len(map_BKHW))]

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:

        def compress() -> int:
            return len(chunks())

        def shard() -> int:
            made = chunks()
            write_durably(Path(folder) / "shard", [*made, encode_index(made, size)])
            return len(made)

        return take_turns({"compress": compress, "shard": shard}, rounds, seconds)


def dequantising(path: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """A batch of bytes to float32 maps, on this processor: beside a GPU it is that which does it."""
    reader = StoreReader(path)
    codec = MapCodec.from_json("heatmap", reader.attributes["codec"])
    batch = reader.read(np.arange(GATHER) % len(reader)).maps.arrays()
    stored = {name: torch.from_numpy(array) for name, array in batch.items()}

    def decode() -> int:
        codec.decode(stored)
        return GATHER

    return take_turns({"cpu": decode}, rounds, seconds)["cpu"]


class _TimedReads(Dataset):
    """Crops per second of gathers, as the worker itself sees them: handing batches to the parent costs the
    same whatever they were read from."""

    def __init__(self, reader: StoreReader, seconds: float) -> None:
        self._reader = reader
        self._seconds = seconds

    def __getitem__(self, round_number: int) -> float:
        rng, crops, started = np.random.default_rng(round_number), 0, time.perf_counter()
        while (passed := time.perf_counter() - started) < self._seconds:
            crops += len(self._reader.read(rng.integers(0, len(self._reader), GATHER)))
        return crops / passed


def in_worker(path: Path, method: str, rounds: int, seconds: float) -> float:
    """Median crops per second of a DataLoader's worker whose parent has read before."""
    reader = StoreReader(path)
    reader.read(np.arange(GATHER) % len(reader))
    loader = DataLoader(
        _TimedReads(reader, seconds),
        sampler=range(rounds + 1),
        batch_size=None,
        num_workers=1,
        multiprocessing_context=method,
    )
    return float(np.median(list(loader)[1:]))


def parts(path: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """Microseconds a crop of what `read` does, each alone, and of copying as many bytes."""
    store = open_store(path)
    (array,) = store.layout.maps
    source = LocalBytes(path)
    maps = MapReader(source, array, store.layout.shards)
    row_B = np.random.default_rng(0).integers(0, store.layout.num_rows, GATHER)
    map_BKHW = maps.read(row_B, threads=1)
    spans = maps.spans(row_B)
    chunks = source.read(spans)
    byte_BN, copy_BN = map_BKHW.reshape(GATHER, -1), np.empty((GATHER, map_BKHW[0].size), dtype=np.uint8)
    reader = StoreReader(path, threads=1)

    found = take_turns(
        {
            "read": lambda: len(reader.read(row_B)),
            "maps": lambda: len(maps.read(row_B, threads=1)),
            "find": lambda: len(maps.spans(row_B)),
            "fetch": lambda: len(source.read(spans)),
            "checksum": lambda: sum(map(checksum_holds, chunks)),
            "checksum and decode": lambda: decode_into(byte_BN, chunks),
            "copy": lambda: np.copyto(copy_BN, byte_BN) or GATHER,
        },
        rounds,
        seconds,
    )
    return {
        "us_a_crop": {name: 1e6 / rate["crops_per_s"] for name, rate in found.items()},
        "bytes_a_map": byte_BN.shape[1],
        "copy_gb_per_s": found["copy"]["crops_per_s"] * byte_BN.shape[1] / 1e9,
        "decode_gb_per_s": found["checksum and decode"]["crops_per_s"] * byte_BN.shape[1] / 1e9,
    }
