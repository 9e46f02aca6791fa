"""Whether a store is as it was written, down to the shard file and the rows."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.store.layout import ArrayLayout, Shard
from pipeline.store.shard_file import DamagedShard, read_chunks
from pipeline.store.store import Store, open_store


@dataclass(frozen=True)
class Damage:
    """A file that is missing or not as it was written: `first_row` to `last_row` cannot be read from it."""

    file: str
    shard: int
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

    def as_dict(self) -> dict[str, Any]:
        return {"sound": self.sound, **asdict(self)}

    def summary(self) -> str:
        """One line where all is well, else a line for each damage and the remedy."""
        if self.sound:
            return f"all {self.shards} shards are whole"
        damaged = self.shards - self.whole - self.missing
        lines = [f"{self.whole} of {self.shards} shards are whole, {self.missing} missing, {damaged} damaged"]
        lines += [f"  {d.file} (rows {d.first_row} to {d.last_row}): {d.cause}" for d in self.damages]
        return "\n".join([*lines, f"  To compute these shards again, and only these: {self.remedy}"])


def verify_store(path: Path) -> StoreReport:
    """Check every byte of a store against its checksums, without decompressing or changing anything.

    Every bit is covered: chunks and shard indexes by crc32c, the group's attributes by their SHA-256, the
    arrays' metadata by what the format says it must be.

    Raises:
        KDError: there is no store, or its metadata is damaged (named in the message).
    """
    store = open_store(path)
    found = {shard.index: list(_damages(store, shard)) for shard in store.layout.shards}
    missing = sum(
        not any(store.file(a, s).exists() for a in store.layout.arrays) for s in store.layout.shards
    )
    return StoreReport(
        path=str(path),
        shards=len(found),
        whole=sum(not damages for damages in found.values()),
        missing=missing,
        damages=tuple(damage for damages in found.values() for damage in damages),
        remedy=store.remedy,
    )


def _damages(store: Store, shard: Shard) -> Iterator[Damage]:
    if not any(store.file(array, shard).exists() for array in store.layout.arrays):
        yield Damage(f"shard {shard.index}", shard.index, shard.start, shard.stop - 1, "not extracted yet")
        return
    for array in store.layout.arrays:
        for first, stop, cause in _bad_rows(store.file(array, shard), array, shard):
            yield Damage(str(store.file(array, shard)), shard.index, first, stop - 1, cause)


def _bad_rows(path: Path, array: ArrayLayout, shard: Shard) -> Iterator[tuple[int, int, str]]:
    try:
        chunks = list(read_chunks(path, array.slots, array.chunks_in(shard)))
    except FileNotFoundError:
        yield shard.start, shard.stop, "the file is missing"
    except OSError as error:
        yield shard.start, shard.stop, f"the file cannot be read: {error.strerror}"
    except DamagedShard as damage:
        yield shard.start, shard.stop, f"the file is damaged: {damage}"
    else:
        bad = [index for index, chunk in enumerate(chunks) if chunk is None]
        for index in bad:
            yield *array.rows_of_chunk(shard, index), "the data does not match its checksum"
