"""One flipped bit at a time: whether it is found, named, and repaired."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from benchmarks.faults.cell import FaultCell, content
from benchmarks.faults.child import in_child
from pipeline.store.format.metadata import COPY, open_damaged
from pipeline.store.manage.repair import repair_metadata
from pipeline.store.manage.verify import Damage, verify_store


@dataclass
class FlipTally:
    """`named`: reported with the file, with rows that the file has, and with a remedy. `alone`: repairing it
    computed as many shards as were damaged, one, or for metadata none. `restored`: afterwards every byte of
    the store was as before."""

    flips: int = 0
    found: int = 0
    named: int = 0
    restored: int = 0
    alone: int = 0
    at_once_restored: bool = False
    files: dict[str, int] = field(default_factory=dict)


def flip_bits(cell: FaultCell, whole: Path, folder: Path, flips: int, random: Random) -> FlipTally:
    """Flip bits of a copy of the store `whole`, one by one; then all at once, but for those of the second
    copy of its description: with both gone, repair guesses nothing.

    Half of them are drawn from all bytes, which are the maps' for the most part, half from all files.
    """
    folder.mkdir()
    store = Path(shutil.copytree(whole, folder / "flipped.zarr"))
    tally, wanted = FlipTally(), content(whole)
    places = [_place(store, random, number % 2 == 0) for number in range(flips)]
    for file, bit in places:
        _flip(file, bit)
        tally.flips += 1
        array = file.parent.name if file.parent != store else "group"
        tally.files[array] = tally.files.get(array, 0) + 1
        report = verify_store(store)
        tally.found += not report.sound
        tally.named += any(_names(damage, file, store) for damage in report.damages) and (
            f"--repair {store}" in report.remedy
        )
        tally.alone += _repair(cell, store, folder) == report.damaged_shards
        tally.restored += content(store) == wanted
    for file, bit in places:
        if file != store / COPY:
            _flip(file, bit)
    _repair(cell, store, folder)
    tally.at_once_restored = content(store) == wanted
    return tally


def _place(store: Path, random: Random, by_bytes: bool) -> tuple[Path, int]:
    """A file, and the number of a bit in it."""
    files = sorted(file for file in store.rglob("*") if file.is_file())
    sizes = [file.stat().st_size for file in files]
    (file,) = random.choices(files, weights=sizes if by_bytes else None)
    return file, random.randrange(8 * file.stat().st_size)


def _flip(file: Path, bit: int) -> None:
    data = bytearray(file.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    file.write_bytes(data)


def _names(damage: Damage, file: Path, store: Path) -> bool:
    layout = open_damaged(store)[0].layout
    rows = {shard.index: (shard.start, shard.stop - 1) for shard in layout.shards}
    first, last = rows.get(damage.shard, (0, layout.num_rows - 1))
    return damage.file == str(file) and first <= damage.first_row <= damage.last_row <= last


def _repair(cell: FaultCell, store: Path, folder: Path) -> int | None:
    """Shards that were computed for it; None where it failed."""
    repair_metadata(store)
    outcome = in_child(lambda: cell.run(store, cell.table, only_damaged=True), folder / "log")
    return None if outcome.error else outcome.result.shards_written
