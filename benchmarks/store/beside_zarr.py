"""What the store does by hand, beside libraries: `python -m benchmarks.store.beside_zarr --json`.

Writing: a shard's file put together here, and written by zarr-python, with its own codec pipeline and with
that of `zarrs` (needs `.[benchmark]`). Decoding: maps in groups, one numcodecs call for each; and the
binding `zstandard`. In turns; what counts is crops per second of processor time, of all threads together.
"""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import google_crc32c
import numpy as np
import zarr
from numcodecs.zstd import Zstd
from zarr.codecs import Crc32cCodec, ZstdCodec

from benchmarks.cases.cell_case import SYNTHETIC
from benchmarks.cases.turns import Work, take_turns
from benchmarks.store.cell import make_cell
from pipeline.store.format.shard_file import (
    CHECKSUM_BYTES,
    checksum_holds,
    decode_into,
    encode_chunk,
    encode_index,
)
from pipeline.store.read.decode_threads import run_in_portions
from pipeline.store.read.reader import StoreReader

GATHER = 256
LEVELS = (1, 3, 9)
PIPELINES = {
    "zarr-python": "zarr.core.codec_pipeline.BatchedCodecPipeline",
    "zarr-python with zarrs": "zarrs.ZarrsCodecPipeline",
}


@click.command()
@click.option("--store", type=click.Path(exists=True, path_type=Path), help="Of heatmaps; else made-up ones.")
@click.option("--rounds", default=15, show_default=True)
@click.option("--seconds", default=0.3, show_default=True, help="Of everyone in every round.")
@click.option("--json", "as_json", is_flag=True)
def main(store: Path | None, rounds: int, seconds: float, as_json: bool) -> None:
    """Ratios to the store's own code: of writing at levels 1, 3 and 9, of decoding with 1 and 2 threads."""
    with tempfile.TemporaryDirectory() as folder:
        if store is None:
            store = Path(folder) / "cell.zarr"
            make_cell(SYNTHETIC, GATHER, store, flip_test=False, shard_size=GATHER)
        reader = StoreReader(store)
        map_BKHW = reader.read(np.flatnonzero(reader.crop_id >= 0)[:GATHER]).maps.map_BKHW
        result = {
            "maps": list(map_BKHW.shape),
            "writing": {
                f"level {level}": writing(map_BKHW, level, Path(folder), rounds, seconds) for level in LEVELS
            },
            "decoding": {
                f"{threads} thread(s)": decoding(map_BKHW, threads, rounds, seconds) for threads in (1, 2)
            },
        }
    click.echo(json.dumps(result, indent=2) if as_json else _lines(result))


def writing(map_BKHW: np.ndarray, level: int, folder: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """A shard in a file under another name, then renamed; not synced, which costs all of them the same."""
    wanted = _file(map_BKHW, level)

    def ours() -> Path:
        (folder / "draft").write_bytes(_file(map_BKHW, level))
        return folder / "draft"

    works: dict[str, Callable[[], Path]] = {"ours": ours}
    for name, pipeline in PIPELINES.items():
        if find_spec(pipeline.split(".")[0]):
            works[name] = _zarr_writer(map_BKHW, level, folder / f"{name}.zarr", pipeline)
    if find_spec("zstandard"):
        works["frames by zstandard"] = _zstandard_writer(map_BKHW, level, folder)
    same = {name: work().read_bytes() == wanted for name, work in works.items()}

    def published(work: Callable[[], Path]) -> int:
        os.replace(work(), folder / "shard")
        return len(map_BKHW)

    found = take_turns(
        {name: lambda work=work: published(work) for name, work in works.items()}, rounds, seconds
    )
    return {name: entry | {"same_bytes": same[name]} for name, entry in _beside_ours(found).items()}


def _file(map_BKHW: np.ndarray, level: int) -> bytes:
    chunks = [encode_chunk(map_BKHW[row : row + 1], level) for row in range(len(map_BKHW))]
    return b"".join([*chunks, encode_index(chunks, len(chunks))])


def _zstandard_writer(map_BKHW: np.ndarray, level: int, folder: Path) -> Callable[[], Path]:
    """Our file, but for the frames."""
    from zstandard import ZstdCompressor

    zstd = ZstdCompressor(level=level)

    def chunk(map_KHW: np.ndarray) -> bytes:
        frame = zstd.compress(map_KHW)
        return frame + google_crc32c.value(frame).to_bytes(CHECKSUM_BYTES, "little")

    def write() -> Path:
        chunks = [chunk(map_KHW) for map_KHW in map_BKHW]
        (folder / "draft").write_bytes(b"".join([*chunks, encode_index(chunks, len(chunks))]))
        return folder / "draft"

    return write


def _zarr_writer(map_BKHW: np.ndarray, level: int, folder: Path, pipeline: str) -> Callable[[], Path]:
    """An array of one shard, written whole."""

    def write() -> Path:
        with zarr.config.set({"codec_pipeline.path": pipeline}):
            array = zarr.create_array(
                folder,
                shape=map_BKHW.shape,
                dtype=map_BKHW.dtype,
                shards=map_BKHW.shape,
                chunks=(1, *map_BKHW.shape[1:]),
                compressors=[ZstdCodec(level=level), Crc32cCodec()],
                fill_value=0,
                config={"write_empty_chunks": True},
                overwrite=True,
            )
            array[:] = map_BKHW
        return folder / "c" / "0" / "0" / "0" / "0"

    return write


def decoding(map_BKHW: np.ndarray, threads: int, rounds: int, seconds: float) -> dict[str, Any]:
    """Checksums included, into one batch."""
    chunks = [encode_chunk(map_BKHW[row : row + 1], 3) for row in range(len(map_BKHW))]
    byte_BN = np.empty((len(map_BKHW), map_BKHW[0].nbytes), dtype=np.uint8)
    decoders = {"ours": decode_into, "numcodecs, a call a map": _by_single_calls}
    if find_spec("zstandard"):
        decoders["zstandard"] = _by_zstandard

    def work(decode: Callable[[np.ndarray, list[bytes]], Any]) -> Work:
        def decoded() -> int:
            run_in_portions(lambda part: decode(byte_BN[part], chunks[part]), len(chunks), threads)
            return len(chunks)

        return decoded

    for decode in decoders.values():
        byte_BN[:] = 0
        work(decode)()
        if not np.array_equal(byte_BN, map_BKHW.reshape(byte_BN.shape)):
            raise RuntimeError("decoders disagree")
    return _beside_ours(
        take_turns({name: work(decode) for name, decode in decoders.items()}, rounds, seconds)
    )


def _by_single_calls(byte_BN: np.ndarray, chunks: list[bytes]) -> None:
    zstd = Zstd()
    for byte_N, chunk in zip(byte_BN, chunks, strict=True):
        if checksum_holds(chunk):
            zstd.decode(chunk[:-CHECKSUM_BYTES], out=byte_N)


def _by_zstandard(byte_BN: np.ndarray, chunks: list[bytes]) -> None:
    from zstandard import ZstdDecompressor

    open_frame = ZstdDecompressor().stream_reader
    for byte_N, chunk in zip(byte_BN, chunks, strict=True):
        if checksum_holds(chunk):
            open_frame(chunk).readinto(byte_N)


def _beside_ours(found: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The ratio is the median over the rounds."""
    return {
        name: {
            "crops_per_cpu_s": rate["crops_per_cpu_s"],
            "ours_over_it": float(np.median(np.divide(found["ours"]["cpu_rounds"], rate["cpu_rounds"]))),
        }
        for name, rate in found.items()
    }


def _lines(result: Mapping[str, Any]) -> str:
    lines = [f"maps: {result['maps']}"]
    for part in ("writing", "decoding"):
        for case, found in result[part].items():
            for name, entry in found.items():
                same = "" if entry.get("same_bytes", True) else "   other bytes"
                rate, ratio = entry["crops_per_cpu_s"], entry["ours_over_it"]
                lines.append(f"{part:9} {case:12} {name:24} {rate:8.0f} crops/s a core, x{ratio:.2f}{same}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
