"""Many wrong files, one after the other, and what became of each."""

import io
import traceback
import warnings
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.mutations.mutate import mutated
from benchmarks.mutations.readers import READERS, Reader
from benchmarks.mutations.workspace import make_workspace
from pipeline.errors import KDError
from stages.terminal.table import aligned

ACCEPTED, REFUSED, TRACEBACK = "accepted", "refused", "traceback"
LONGEST_TEXT = 4000


@dataclass(frozen=True)
class Traceback:
    """What was not caught, and the file (its beginning) that led there."""

    kind: str
    error: str
    where: list[str]
    file: str


@dataclass
class MutationReport:
    """Trials by kind of file and outcome, and every traceback."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    tracebacks: list[Traceback] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    """Refusals in more than a paragraph: with an empty line, or over `LONGEST_TEXT` characters."""

    def count(self, outcome: str) -> int:
        return sum(counts[outcome] for counts in self.counts.values())

    @property
    def passed(self) -> bool:
        return not self.tracebacks and not self.unreadable

    def as_dict(self) -> dict[str, Any]:
        outcomes = {outcome: self.count(outcome) for outcome in (ACCEPTED, REFUSED, TRACEBACK)}
        tracebacks = [asdict(t) for t in self.tracebacks]
        return {
            "passed": self.passed,
            **outcomes,
            "by_file": self.counts,
            "tracebacks": tracebacks,
            "unreadable": self.unreadable,
        }

    def table(self) -> str:
        head = ("FILE", "TRIALS", ACCEPTED.upper(), REFUSED.upper(), TRACEBACK.upper())
        rows = [
            (kind, *map(str, (counts.total(), counts[ACCEPTED], counts[REFUSED], counts[TRACEBACK])))
            for kind, counts in self.counts.items()
        ]
        listed = "\n".join(f"{t.kind}: {t.error} ({t.where[-1]})" for t in self.tracebacks)
        return aligned([head, *rows], right=(1, 2, 3, 4)) + (f"\n{listed}" if listed else "")


def try_mutations(trials: int, seed: int, root: Path) -> MutationReport:
    """In the empty folder `root`; each trial's file is put back before the next."""
    make_workspace(root)
    whole = {reader.file: (root / reader.file).read_text() for reader in READERS}
    for reader in READERS:
        _check_whole(reader, root)
    report, random = MutationReport(), Random(seed)
    for number in range(trials):
        reader = READERS[number % len(READERS)]
        data = mutated(whole[reader.file], reader.syntax, random)
        (root / reader.file).write_bytes(data)
        _try(reader, root, data, report)
        (root / reader.file).write_text(whole[reader.file])
    return report


def _check_whole(reader: Reader, root: Path) -> None:
    """A reader that refuses the valid file would refuse everything, and show nothing."""
    _read(reader, root)


def _try(reader: Reader, root: Path, data: bytes, report: MutationReport) -> None:
    counts = report.counts.setdefault(reader.kind, Counter())
    try:
        _read(reader, root)
        counts[ACCEPTED] += 1
    except KDError as error:
        counts[REFUSED] += 1
        text = str(error)
        if "\n\n" in text.strip() or len(text) > LONGEST_TEXT:
            report.unreadable.append(text[:LONGEST_TEXT])
    except Exception as error:
        counts[TRACEBACK] += 1
        where = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)[-6:]]
        message = f"{type(error).__name__}: {str(error)[:300]}"
        report.tracebacks.append(
            Traceback(reader.kind, message, where, data[:LONGEST_TEXT].decode(errors="replace"))
        )


def _read(reader: Reader, root: Path) -> None:
    """Printing as a terminal of UTF-8 does, which refuses what is none."""
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with redirect_stdout(printed), redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader.read(root)
        printed.flush()
