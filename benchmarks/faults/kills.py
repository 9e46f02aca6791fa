"""Extractions killed by SIGKILL again and again, till the cell is complete; and again, till it has grown."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from benchmarks.faults.cell import SHARD_SIZE, FaultCell, content
from benchmarks.faults.child import Child, Outcome, in_child
from pipeline.datasets.crop_table import CropTable
from pipeline.store.store import open_store

_REACH = 150
"""A kill comes before one of the first so many changes of files, about three shards' worth."""
_REACH_S = 1.0
"""A kill by the clock comes within this time."""


@dataclass
class KillTally:
    """What a number of kills did, over several stores.

    `shards_computed` counts a shard for every process that got all its answers; a shard that was computed but
    not yet published when a kill came is computed again (`again`). `finished_again` are crops of shards that
    were complete when a process started, and that it computed nevertheless.
    """

    kills: int = 0
    survived: int = 0
    stores: int = 0
    identical: int = 0
    shards: int = 0
    shards_computed: int = 0
    most_in_flight: int = 0
    finished_again: int = 0
    crops_lost: int = 0
    moments: dict[str, int] = field(default_factory=dict)

    @property
    def again(self) -> int:
        return self.shards_computed - self.shards


def kill_until(cell: FaultCell, folder: Path, kills: int, random: Random) -> KillTally:
    """Make one store after the other under kills, till there were so many of them."""
    folder.mkdir()
    undisturbed = folder / "undisturbed.zarr"
    in_child(partial(_make, cell, undisturbed), folder / "log")
    wanted, tally = content(undisturbed, timeless=True), KillTally()
    while tally.kills < kills:
        path = folder / f"{tally.stores}" / "killed.zarr"
        for table in (cell.few, cell.table):
            _finish_under_kills(cell, path, table, tally, random, folder / "log")
        tally.stores += 1
        tally.shards += len(open_store(path).layout.shards)
        found = content(path, timeless=True)
        tally.identical += found == wanted and [path] == list(path.parent.iterdir())
        tally.crops_lost += _lost(path, found, wanted)
    return tally


def _make(cell: FaultCell, path: Path) -> None:
    cell.run(path, cell.few)
    cell.run(path, cell.table)


def _finish_under_kills(
    cell: FaultCell, path: Path, table: CropTable, tally: KillTally, random: Random, log: Path
) -> None:
    killed = True
    while killed:
        finished = _finished_crops(path)
        outcome = Child(partial(cell.run, path, table), log, **_moment(random)).wait()
        if outcome.error:
            raise RuntimeError(f"an extraction did not survive the kills before it: {outcome.error}")
        killed = outcome.killed
        _count(tally, path, outcome, finished)


def _moment(random: Random) -> dict[str, float]:
    """A third by the clock; a third at any change; a third at one of the first ones, which make the store and
    the writer's folder, and in the last process, which has no shard left, write down the fidelity."""
    kind = random.randrange(3)
    if kind == 0:
        return {"kill_after_s": random.uniform(0.0, _REACH_S)}
    if kind == 1:
        return {"kill_before": random.randint(1, _REACH)}
    return {"kill_before": round(_REACH ** random.random())}


def _count(tally: KillTally, path: Path, outcome: Outcome, finished: set[int]) -> None:
    tally.finished_again += len(finished & set(outcome.computed))
    computed = len(list(_whole_runs(outcome.computed)))
    tally.shards_computed += computed
    if not outcome.killed:
        return
    tally.kills += 1
    tally.moments[outcome.moment] = tally.moments.get(outcome.moment, 0) + 1
    now = _finished_crops(path)
    tally.survived += finished <= now
    in_flight = [crops for crops in _whole_runs(outcome.computed) if not set(crops) <= now]
    tally.most_in_flight = max(tally.most_in_flight, len(in_flight))


def _whole_runs(computed: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The shards among the answers of one process: it gives them in order, and all shards have as many."""
    for start in range(0, len(computed), SHARD_SIZE):
        crops = computed[start : start + SHARD_SIZE]
        if len(crops) == SHARD_SIZE:
            yield crops


def _finished_crops(path: Path) -> set[int]:
    if not path.exists():
        return set()
    store = open_store(path)
    missing = store.missing()
    whole = [shard for shard in store.layout.shards if shard not in missing]
    return {crop_id for crop_id, _, _ in store.keys_of(whole)}


def _lost(path: Path, found: dict[str, str], wanted: dict[str, str]) -> int:
    """Crops in shards of which a file is not what it is in the undisturbed store."""
    layout = open_store(path).layout
    return sum(
        len(shard)
        for shard in layout.shards
        if any(found.get(name) != wanted.get(name) for name in (a.file_name(shard) for a in layout.arrays))
    )
