"""Damage to every file that a run reads, one file at a time: noticed, harmless, or silent."""

import hashlib
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from random import Random
from typing import Any

import click
import numpy as np
import torch

from benchmarks.faults.file_kinds import FileKind, file_kinds
from benchmarks.faults.file_readers import Noticed
from benchmarks.faults.small_workspace import make_small_workspace
from pipeline.errors import KDError
from pipeline.files import hashes as file_hash
from stages.terminal.table import aligned

PAGE = 4096
MOST_EXAMPLES = 3
"""Examples that are kept of what should not have been."""


@dataclass
class KindTally:
    """`noticed`: an error in a paragraph, or a difference from what was recorded. `harmless`: what was read
    is what is read without the damage. `silent`: it is not, and no error says so. `tracebacks`: any other
    error."""

    files: int = 0
    trials: int = 0
    noticed: int = 0
    harmless: int = 0
    silent: int = 0
    tracebacks: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class EveryFileTally:
    """By kind of file."""

    kinds: Mapping[str, KindTally]

    @property
    def trials(self) -> int:
        return sum(tally.trials for tally in self.kinds.values())

    @property
    def passed(self) -> bool:
        return not any(tally.silent or tally.tracebacks for tally in self.kinds.values())

    def as_dict(self) -> dict[str, Any]:
        return {
            "trials": self.trials,
            "passed": self.passed,
            "kinds": {k: asdict(t) for k, t in self.kinds.items()},
        }

    def table(self) -> str:
        """For reading: a line per kind, and examples of what should not have been."""
        head = ("DAMAGED", "FILES", "TRIALS", "NOTICED", "HARMLESS", "SILENT", "TRACEBACKS")
        rows = [(name, *map(str, _counts(tally))) for name, tally in self.kinds.items()]
        totals = [sum(column) for column in zip(*map(_counts, self.kinds.values()), strict=True)]
        lines = [aligned([head, *rows, ("together", *map(str, totals))], right=(1, 2, 3, 4, 5, 6))]
        return "\n".join(lines + [text for tally in self.kinds.values() for text in tally.examples])


def _counts(tally: KindTally) -> tuple[int, ...]:
    return (tally.files, tally.trials, tally.noticed, tally.harmless, tally.silent, tally.tracebacks)


def damage_every_file(folder: Path, trials: int, random: Random) -> EveryFileTally:
    """About so many trials, the same number for every kind of file."""
    folder.mkdir()
    kinds = file_kinds(make_small_workspace(folder))
    each = -(-trials // len(kinds))
    return EveryFileTally({kind.name: damage_kind(kind, each, random) for kind in kinds})


def damage_kind(kind: FileKind, trials: int, random: Random) -> KindTally:
    """Each trial on a sound workspace; afterwards it is one again.

    Raises:
        RuntimeError: the files cannot be read, or not twice alike, before anything is done to them.
    """
    tally, sound = KindTally(files=len(kind.files)), digest(kind.read())
    if digest(kind.read()) != sound:
        raise RuntimeError(f"{kind.name}: two readings of the same files differ")
    for _ in range(trials):
        with damaged(kind.files, random) as damage:
            _try(kind, sound, damage, tally)
    return tally


def _try(kind: FileKind, sound: str, damage: str, tally: KindTally) -> None:
    tally.trials += 1
    file_hash._sha256.cache_clear()  # a run is a process of its own
    try:
        same = digest(kind.read()) == sound
    except (KDError, click.ClickException, Noticed):
        tally.noticed += 1
    except Exception:
        tally.tracebacks += 1
        tally.examples += [f"{damage}: {traceback.format_exc()}"][: MOST_EXAMPLES - len(tally.examples)]
    else:
        tally.harmless += same
        tally.silent += not same
        tally.examples += [] if same else [f"{damage}: silent"][: MOST_EXAMPLES - len(tally.examples)]


@contextmanager
def damaged(files: tuple[Path, ...], random: Random) -> Iterator[str]:
    """A flipped bit, a page of zeros, a cut end, or two files in each other's place; in words."""
    file = random.choice(files)
    others = [other for other in files if other != file and other.suffix == file.suffix]
    harms: list[Callable[[bytes, Random], tuple[str, bytes]]] = [_flip, _zero_page, _cut]
    changed: dict[Path, bytes] = {}
    if others and random.randrange(4) == 0:
        other = random.choice(others)
        changed = {file: other.read_bytes(), other: file.read_bytes()}
        damage = f"{file} and {other} in each other's place"
    else:
        what, changed[file] = random.choice(harms)(file.read_bytes(), random)
        damage = f"{file}, {what}"
    before = {path: path.read_bytes() for path in changed}
    for path, data in changed.items():
        path.write_bytes(data)
    try:
        yield damage
    finally:
        for path, data in before.items():
            path.write_bytes(data)
        file_hash._sha256.cache_clear()


def _flip(data: bytes, random: Random) -> tuple[str, bytes]:
    bit = random.randrange(8 * len(data))
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    return f"bit {bit} flipped", bytes(flipped)


def _zero_page(data: bytes, random: Random) -> tuple[str, bytes]:
    start = PAGE * random.randrange(-(-len(data) // PAGE))
    page = data[start : start + PAGE]
    return f"{len(page)} bytes from {start} zeroed", data[:start] + bytes(len(page)) + data[start + PAGE :]


def _cut(data: bytes, random: Random) -> tuple[str, bytes]:
    length = random.randrange(len(data))
    return f"cut to {length} bytes", data[:length]


def digest(value: Any) -> str:
    """A hash of what was read: of nested containers, dataclasses, arrays and tensors, by their values."""
    found = hashlib.sha256()
    for part in _parts(value):
        found.update(part + b"\0")
    return found.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    if torch.is_tensor(value):
        value = value.detach().cpu().numpy()
    if is_dataclass(value):
        value = {entry.name: getattr(value, entry.name) for entry in fields(value)}
    if isinstance(value, np.ndarray):
        yield f"{value.dtype} {value.shape}".encode() + value.tobytes()
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield repr(key).encode()
            yield from _parts(entry)
    elif isinstance(value, list | tuple | set | frozenset):
        yield f"{len(value)} of".encode()
        for entry in sorted(value) if isinstance(value, set | frozenset) else value:
            yield from _parts(entry)
    else:
        yield repr(value).encode()
