"""Faults that are not a matter of chance: what is done to a store, and what must come of it.

Each function gets a complete store to harm and returns what it saw; `Mishap.passed` is what a user is
promised.
"""

import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.faults.cell import FaultCell, content
from benchmarks.faults.child import Child, Outcome, in_child
from pipeline.errors import KDError
from pipeline.store.format.metadata import COPY, metadata_files
from pipeline.store.manage.repair import repair_metadata
from pipeline.store.manage.verify import verify_store
from pipeline.store.read.reader import StoreReader
from pipeline.store.store import METADATA, open_store

NOBODY = 65534


@dataclass(frozen=True)
class Mishap:
    """`identical`: every byte of the store is as before, or as in an undisturbed one."""

    name: str
    passed: bool
    identical: bool
    message: str


def two_extractors(cell: FaultCell, whole: Path, folder: Path) -> Mishap:
    """Both make the store from the start, then both make it longer."""
    store = folder / "both.zarr"
    outcomes: list[Outcome] = []
    for table in (cell.few, cell.table):
        work = partial(cell.run, store, table)
        children = [Child(work, folder / f"log{number}") for number in range(2)]
        outcomes += [child.wait() for child in children]
    errors = [outcome.error for outcome in outcomes if outcome.error]
    identical = content(store, timeless=True) == content(whole, timeless=True)
    answers = sum(len(outcome.computed) for outcome in outcomes) / len(cell.table)
    return Mishap(
        "two extractors on one cell",
        identical and not errors,
        identical,
        errors[0] if errors else f"one store; {answers:.1f} answers a crop",
    )


def _damaged_and_repaired(
    name: str, harm: Callable[[Path], object], cell: FaultCell, whole: Path, folder: Path
) -> Mishap:
    """Found by verify, repaired by repair."""
    store = Path(shutil.copytree(whole, folder / "harmed.zarr"))
    harm(store)
    damages = verify_store(store).damages
    repair_metadata(store)
    outcome = in_child(lambda: cell.run(store, cell.table, only_damaged=True), folder / "log")
    identical = content(store) == content(whole)
    return Mishap(
        name,
        identical and len(damages) == 1 and not outcome.error,
        identical,
        "; ".join(f"{Path(d.file).relative_to(store)}: {d.cause}" for d in damages),
    )


def _truncate(store: Path) -> None:
    file = store / "map/c.1.0.0.0"
    os.truncate(file, file.stat().st_size // 2)


def _empty(store: Path) -> None:
    os.truncate(store / "map/c.0.0.0.0", 0)


def _swap(store: Path) -> None:
    shutil.copy(store / "map/c.0.0.0.0", store / "map/c.1.0.0.0")


def _delete(place: str, store: Path) -> None:
    (store / place).unlink()


def _delete_shard(store: Path) -> None:
    for file in store.glob("*/c.1*"):
        file.unlink()


HARMS: dict[str, Callable[[Path], object]] = {
    "a truncated shard file": _truncate,
    "an empty shard file": _empty,
    "a shard file overwritten by another shard's": _swap,
    "all files of a shard deleted": _delete_shard,
    "the store's zarr.json deleted": partial(_delete, METADATA),
    "its second copy deleted": partial(_delete, COPY),
    "an array's zarr.json deleted": partial(_delete, f"map/{METADATA}"),
}


def read_only_copy(cell: FaultCell, whole: Path, folder: Path) -> Mishap:
    """Copied to another path, all write permissions taken away, opened by a user who owns nothing of it."""
    store = Path(shutil.copytree(whole, folder / "elsewhere" / "copy.zarr"))
    wanted = content(store)
    for place in (*store.rglob("*"), store, store.parent):
        place.chmod(place.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    outcome = in_child(partial(_use_without_rights, cell, store), folder / "log")
    for place in (store.parent, store, *store.rglob("*")):
        place.chmod(place.stat().st_mode | stat.S_IWUSR)
    read, written = outcome.result or (False, str(outcome.error))
    identical = content(store) == wanted
    return Mishap("copied, and opened read-only", bool(read) and identical, identical, written)


def _use_without_rights(cell: FaultCell, store: Path) -> tuple[bool, str]:
    """Whether all can be read; and what extraction of more crops says."""
    if os.getuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    reader = StoreReader(store)
    read = reader.read(np.arange(len(reader)))
    sound = verify_store(store).sound and len(read) == len(reader)
    try:
        cell.run(store, cell.table)
    except KDError as error:
        return sound, f"all rows read; to extraction: {error}"
    return sound, "all rows read"


def later_format(cell: FaultCell, whole: Path, folder: Path) -> Mishap:
    """Neither read, nor repaired, nor replaced."""
    store = Path(shutil.copytree(whole, folder / "later.zarr"))
    files = metadata_files(open_store(store).attributes | {"format_version": 99})
    for place in (METADATA, COPY):
        (store / place).write_bytes(files[place])
    before, messages = content(store), []
    for use in (open_store, verify_store, repair_metadata, partial(_replace, cell)):
        try:
            use(store)
            messages.append("")
        except KDError as error:
            messages.append(str(error))
    refused = all("store format 99" in message for message in messages)
    return Mishap("a store of a later format", refused, content(store) == before, messages[0])


def _replace(cell: FaultCell, store: Path) -> None:
    cell.run(store, cell.table, replace_stale=True)


def try_all(cell: FaultCell, whole: Path, folder: Path) -> list[Mishap]:
    """Each on a copy of its own of the complete store `whole`."""
    trials: list[Callable[[FaultCell, Path, Path], Mishap]] = [
        two_extractors,
        *(partial(_damaged_and_repaired, name, harm) for name, harm in HARMS.items()),
        read_only_copy,
        later_format,
    ]
    mishaps = []
    for number, trial in enumerate(trials):
        place = folder / str(number)
        place.mkdir(parents=True)
        mishaps.append(trial(cell, whole, place))
    return mishaps
