"""Whether a store is as it was written, down to the file and the rows."""

import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt32

from pipeline.store.format.layout import ArrayLayout, Shard
from pipeline.store.format.metadata import open_damaged
from pipeline.store.format.shard_file import DamagedShard, read_chunks
from pipeline.store.store import Store

NOT_EXTRACTED = "not extracted yet"
_GONE = "all files of this shard are gone"
_FOREIGN = "the file is sound, but it is not the one that was written here"
_FOREIGN_SHARD = "the seal and the shard's other files are sound, but not of one another or not of this store"


@dataclass(frozen=True)
class Damage:
    """A file that is missing or not as it was written: `first_row` to `last_row` cannot be read from it, or
    not be trusted. `shard` is None for a metadata file, on which all rows depend."""

    file: str
    shard: int | None
    first_row: int
    last_row: int
    cause: str


@dataclass(frozen=True)
class StoreReport:
    """What `verify_store` found; shards are counted, damages named one by one."""

    path: str
    shards: int
    whole: int
    missing: int
    damages: tuple[Damage, ...]
    remedy: str

    @property
    def sound(self) -> bool:
        return not self.damages

    @property
    def damaged_shards(self) -> int:
        """Shards that were there and are not as they were written."""
        return len({d.shard for d in self.damages if d.shard is not None and d.cause != NOT_EXTRACTED})

    def as_dict(self) -> dict[str, Any]:
        return {"sound": self.sound, **asdict(self)}

    def summary(self) -> str:
        """One line where all is well, else a line for each damage and the remedy."""
        if self.sound:
            return f"all {self.shards} shards are whole"
        damaged = self.shards - self.whole - self.missing
        lines = [f"{self.whole} of {self.shards} shards are whole, {self.missing} missing, {damaged} damaged"]
        lines += [f"  {d.file} (rows {d.first_row} to {d.last_row}): {d.cause}" for d in self.damages]
        return "\n".join([*lines, f"  To repair this, and only this: {self.remedy}"])


def verify_store(path: Path) -> StoreReport:
    """Check every byte of a store against its checksums, without decompressing maps or changing anything.

    Every bit is covered: shard files by the shard's seal, and within them, to find the rows, by the crc32c of
    chunks and indexes; metadata files by what the format says they must be, byte for byte.

    Raises:
        KDError: there is no store, of this format, or both descriptions of it are damaged.
    """
    store, wrong = open_damaged(path)
    last_row = store.layout.num_rows - 1
    metadata = [Damage(str(path / place), None, 0, last_row, cause) for place, cause in wrong.items()]
    found = {shard.index: list(_damages(store, shard)) for shard in store.layout.shards}
    damages = (*metadata, *(damage for damages in found.values() for damage in damages))
    return StoreReport(
        path=str(path),
        shards=len(found),
        whole=sum(not damages for damages in found.values()),
        missing=sum(store.is_bare(shard) for shard in store.layout.shards),
        damages=damages,
        remedy=_remedy(store, damages),
    )


def _remedy(store: Store, damages: tuple[Damage, ...]) -> str:
    if all(damage.cause == NOT_EXTRACTED for damage in damages):
        return store.remedy
    return f"kd-pipeline store verify --repair {shlex.quote(str(store.path))}"


def _damages(store: Store, shard: Shard) -> Iterator[Damage]:
    """What is wrong with one shard, file by file."""

    def damage(file: Path, cause: str, rows: tuple[int, int] = (shard.start, shard.stop)) -> Damage:
        return Damage(str(file), shard.index, rows[0], rows[1] - 1, cause)

    if store.is_bare(shard):
        cause = _GONE if store.was_there(shard) else NOT_EXTRACTED
        yield damage(store.file(store.layout.seal, shard), cause)
        return
    try:
        seal = store.seal_of(shard)
    except (OSError, DamagedShard) as error:
        seal = None
        yield damage(store.file(store.layout.seal, shard), _cause(error))
    foreign = []
    for array in store.layout.sealed:
        file = store.file(array, shard)
        if seal is not None and _is_sealed(store, array, shard, seal):
            continue
        bad = list(_bad_rows(file, array, shard))
        yield from (damage(file, cause, rows) for rows, cause in bad)
        if not bad and seal is not None:
            foreign.append(file)
    if len(foreign) == len(store.layout.sealed):
        yield damage(store.file(store.layout.seal, shard), _FOREIGN_SHARD)
    else:
        yield from (damage(file, _FOREIGN) for file in foreign)


def _is_sealed(store: Store, array: ArrayLayout, shard: Shard, seal: UInt32[np.ndarray, " files"]) -> bool:
    try:
        return store.is_sealed(array, shard, seal)
    except OSError:
        return False


def _bad_rows(path: Path, array: ArrayLayout, shard: Shard) -> Iterator[tuple[tuple[int, int], str]]:
    """Rows `start` to `stop` (not included) that the checksums inside a file rule out, and why."""
    try:
        chunks = list(read_chunks(path, array.slots, array.chunks_in(shard)))
    except (OSError, DamagedShard) as error:
        yield (shard.start, shard.stop), _cause(error)
    else:
        bad = [index for index, chunk in enumerate(chunks) if chunk is None]
        for index in bad:
            yield array.rows_of_chunk(shard, index), "the data does not match its checksum"


def _cause(error: OSError | DamagedShard) -> str:
    if isinstance(error, FileNotFoundError):
        return "the file is missing"
    if isinstance(error, OSError):
        return f"the file cannot be read: {error.strerror}"
    return f"the file is damaged: {error}"
