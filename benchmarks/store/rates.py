"""What `benchmarks.store` measures in a process of its own, pinned to its cores: once on one, once on all."""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.cases.turns import Work, take_turns
from benchmarks.store.contestants import CONTESTANTS
from benchmarks.store.contestants.contestant import Contestant
from benchmarks.store.contestants.our_reader import OurReader
from benchmarks.store.contestants.zarr_one_by_one import ZarrOneByOne
from benchmarks.store.costs import costs
from pipeline.store.store import open_store


@dataclass(frozen=True)
class Setup:
    """What to measure, and for how long.

    `larger` is the cell with more rows, `folder` where the contestants' files lie. Each contestant reads for
    `seconds` a round, and `cold_rows` rows where nothing lies in memory.
    """

    store: Path
    larger: Path
    folder: Path
    threads: int
    rounds: int
    seconds: float
    cold_rows: int

    def opened(self, contestant: type[Contestant]) -> Contestant:
        return contestant(self.store, self.folder / contestant.name, self.threads)

    def files(self, contestant: type[Contestant]) -> list[Path]:
        return contestant.files(self.store, self.folder / contestant.name)


def main() -> None:
    """Takes the setup as JSON in the first argument; prints results as JSON."""
    given = json.loads(sys.argv[1])
    setup = Setup(**{name: Path(v) if isinstance(v, str) else v for name, v in given.items()})
    torch.set_num_threads(setup.threads)
    results = {"warm": warm(setup), "growth": growth(setup)}
    if setup.threads == 1:
        results |= {"cold": cold(setup), **costs(setup.store, setup.rounds, setup.seconds)}
    print(json.dumps(results))


def warm(setup: Setup) -> dict[str, Any]:
    """Every contestant on files that lie in memory; they must agree first."""
    for contestant in CONTESTANTS:
        _touch(setup.files(contestant))
    readers = [setup.opened(contestant) for contestant in CONTESTANTS]
    rows = open_store(setup.store).layout.num_rows
    first = [reader.read(np.arange(0, min(320, rows), 10)) for reader in readers]
    if not all(np.array_equal(maps, first[0]) for maps in first):
        raise RuntimeError("contestants read different maps")
    works = {reader.name: _gathers(reader, setup.store) for reader in readers}
    return take_turns(works, setup.rounds, setup.seconds)


def growth(setup: Setup) -> dict[str, Any]:
    """Our reader at both sizes."""
    works = {}
    for name, store in (("rows", setup.store), ("larger", setup.larger)):
        _touch(OurReader.files(store, setup.folder))
        works[name] = _gathers(OurReader(store, setup.folder, setup.threads), store)
    return take_turns(works, setup.rounds, setup.seconds)


def _gathers(reader: Contestant, store: Path) -> Work:
    """Reads rows at random, some of them twice."""
    rng, rows = np.random.default_rng(0), open_store(store).layout.num_rows

    def gather() -> int:
        reader.read(rng.integers(0, rows, reader.rows_a_gather))
        return reader.rows_a_gather

    return gather


def cold(setup: Setup) -> dict[str, Any]:
    """Rows in random order, none twice, from files dropped from the system's cache; without zarr-python."""
    contestants = [contestant for contestant in CONTESTANTS if contestant is not ZarrOneByOne]
    rates: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    read_mb: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    for number in range(setup.rounds):
        rng = np.random.default_rng(number)
        rows = rng.permutation(open_store(setup.store).layout.num_rows)[: setup.cold_rows]
        for contestant in contestants:
            _forget(setup.files(contestant))
            reader, before, started = setup.opened(contestant), _read_bytes(), time.perf_counter()
            for start in range(0, len(rows), contestant.rows_a_gather):
                reader.read(rows[start : start + contestant.rows_a_gather])
            rates[contestant.name].append(len(rows) / (time.perf_counter() - started))
            read_mb[contestant.name].append((_read_bytes() - before) / 1e6)
            reader.close()
    return {
        name: {"crops_per_s": float(np.median(rates[name])), "mb_from_disk": float(np.median(read_mb[name]))}
        for name in rates
    }


def _touch(files: Sequence[Path]) -> None:
    for file in files:
        file.read_bytes()


def _forget(files: Sequence[Path]) -> None:
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def _read_bytes() -> int:
    """What this process has had fetched from disks."""
    counters: Mapping[str, str] = dict(
        line.split(": ") for line in Path("/proc/self/io").read_text().splitlines()
    )
    return int(counters["read_bytes"])


if __name__ == "__main__":
    main()
