"""A disk that fills up while a store is written: a small tmpfs."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from benchmarks.faults.cell import FaultCell, content
from benchmarks.faults.child import in_child
from pipeline.store.store import open_store

_PAGE = 4096


@dataclass
class FullDiskTally:
    """`explained`: the message names the lack of space, and what to do. `kept`: what was there then was whole
    shards and nothing else. `identical`: with more room, the same command completed the store that an
    undisturbed one makes. `skipped`: why nothing was tried."""

    sizes: int = 0
    explained: int = 0
    kept: int = 0
    identical: int = 0
    skipped: str = ""


def fill_disks(cell: FaultCell, whole: Path, folder: Path, sizes: int, random: Random) -> FullDiskTally:
    """Extract onto disks of sizes from nearly nothing to nearly enough, then make room and resume."""
    folder.mkdir()
    tally, wanted = FullDiskTally(), content(whole, timeless=True)
    enough = sum(-(-f.stat().st_size // _PAGE) for f in whole.rglob("*") if f.is_file()) * _PAGE
    try:
        for _ in range(sizes):
            with _disk(folder / "disk", random.randrange(2 * _PAGE, enough * 9 // 10)) as disk:
                _fill(cell, disk, wanted, tally, folder / "log", 4 * enough)
    except subprocess.CalledProcessError as error:
        tally.skipped = f"no file system can be mounted here: {error.stderr.strip()}"
    return tally


def _fill(
    cell: FaultCell, disk: Path, wanted: dict[str, str], tally: FullDiskTally, log: Path, enough: int
) -> None:
    store = disk / "stores" / "cell.zarr"
    tally.sizes += 1
    for table in (cell.few, cell.table):
        work = partial(cell.run, store, table)
        if error := in_child(work, log).error:
            tally.explained += "no space left" in error and "Make room" in error
            tally.kept += _is_clean(store)
            _mount("-o", f"remount,size={enough}", str(disk))
            in_child(work, log)
    tally.identical += content(store, timeless=True) == wanted


def _is_clean(store: Path) -> bool:
    """Every shard is whole or not begun, and nothing lies about."""
    if not store.exists():
        return not any(store.parent.glob(".*.zarr.*"))
    found = open_store(store)
    begun = [shard for shard in found.layout.shards if not found.is_bare(shard)]
    return all(map(found.is_whole, begun)) and not (store / ".partial").exists()


@contextmanager
def _disk(place: Path, size: int) -> Iterator[Path]:
    place.mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place))
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _mount(*arguments: str) -> None:
    try:
        subprocess.run(["mount", *arguments], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise subprocess.CalledProcessError(127, "mount", stderr="there is no mount command") from None
