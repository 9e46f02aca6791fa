"""All faults in two tables: of stores, and of every file."""

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.faults.cell import FaultCell
from benchmarks.faults.child import in_child
from benchmarks.faults.every_file import EveryFileTally, damage_every_file
from benchmarks.faults.flips import FlipTally, flip_bits
from benchmarks.faults.full_disk import FullDiskTally, fill_disks
from benchmarks.faults.kills import KillTally, kill_until
from benchmarks.faults.mishaps import Mishap, try_all
from stages.terminal.table import aligned


@dataclass(frozen=True)
class FaultReport:
    """What became of every fault."""

    kills: KillTally
    flips: FlipTally
    full_disk: FullDiskTally
    mishaps: list[Mishap]
    every_file: EveryFileTally

    @property
    def passed(self) -> bool:
        kills, flips, full = self.kills, self.flips, self.full_disk
        return (
            kills.survived == kills.kills
            and kills.identical == kills.stores
            and kills.crops_lost == kills.finished_again == 0
            and kills.most_in_flight <= 1
            and flips.found == flips.named == flips.alone == flips.restored == flips.flips
            and flips.at_once_restored
            and full.explained == full.kept == full.identical == full.sizes
            and all(mishap.passed for mishap in self.mishaps)
            and self.every_file.passed
        )

    def as_dict(self) -> dict[str, Any]:
        values = asdict(self)
        values["kills"]["shards_computed_twice"] = self.kills.again
        return {"passed": self.passed, **values, "every_file": self.every_file.as_dict()}

    def table(self) -> str:
        """For reading."""
        head = ("FAULT", "TIMES", "FOUND", "PUT RIGHT", "CROPS LOST", "REMARK")
        rows = [_of_kills(self.kills), _of_flips(self.flips), _of_full_disk(self.full_disk)]
        stores = aligned([head, *rows, *map(_of_mishap, self.mishaps)], right=(1,))
        return f"{stores}\n\n{self.every_file.table()}"


Row = tuple[str, str, str, str, str, str]


def _of_kills(kills: KillTally) -> Row:
    return (
        "killed by SIGKILL",
        str(kills.kills),
        str(kills.survived),
        f"{kills.identical} of {kills.stores} stores",
        str(kills.crops_lost),
        f"{kills.shards} shards, {kills.again} computed twice (in flight at a kill: at most "
        f"{kills.most_in_flight}), {kills.finished_again} crops of finished ones",
    )


def _of_flips(flips: FlipTally) -> Row:
    return (
        "one flipped bit",
        str(flips.flips),
        str(flips.found),
        str(flips.restored),
        _lost(flips.restored == flips.flips),
        f"{flips.named} named with file, rows and remedy; {flips.alone} repaired alone; all at once: "
        f"{_yes(flips.at_once_restored)}",
    )


def _of_full_disk(full: FullDiskTally) -> Row:
    remark = f"skipped: {full.skipped}" if full.skipped else "room made, same command again"
    lost = _lost(full.identical == full.sizes)
    return ("disk full", str(full.sizes), str(full.explained), str(full.identical), lost, remark)


def _of_mishap(mishap: Mishap) -> Row:
    message = mishap.message if len(mishap.message) <= 100 else mishap.message[:99] + "…"
    return (
        mishap.name,
        "1",
        _yes(mishap.passed),
        _yes(mishap.identical),
        _lost(mishap.identical),
        message,
    )


def _lost(nothing: bool) -> str:
    return "0" if nothing else "some"


def _yes(flag: bool) -> str:
    return "yes" if flag else "NO"


def try_faults(
    crops: int, kills: int, flips: int, disks: int, trials: int, seed: int, folder: Path
) -> FaultReport:
    """Every fault, on cells of about so many crops made in `folder`, and about so many `trials` of damage to
    every file that a run reads."""
    random = Random(seed)
    cell = FaultCell.make(crops, folder / "images")
    whole = folder / "whole.zarr"
    for table in (cell.few, cell.table):
        in_child(partial(cell.run, whole, table), folder / "log")
    return FaultReport(
        kills=kill_until(cell, folder / "kills", kills, random),
        flips=flip_bits(cell, whole, folder / "flips", flips, random),
        full_disk=fill_disks(cell, whole, folder / "disks", disks, random),
        mishaps=try_all(cell, whole, folder / "mishaps"),
        # Last: its threads would stay behind in the processes that the others fork.
        every_file=damage_every_file(folder / "every file", trials, Random(seed)),
    )
