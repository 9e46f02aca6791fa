"""Stage one: every crop of a dataset, shown to a teacher once, kept for good."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pipeline.datasets.crop_table import CropTable
from pipeline.errors import KDError
from pipeline.params import ExtractParams, RuntimeParams
from pipeline.store.answer import answer_rows
from pipeline.store.background import BackgroundWriter
from pipeline.store.cell import CellSpec
from pipeline.store.crop_batches import BatchPlan, CropBatches, plan_batches
from pipeline.store.crop_loader import load_batches
from pipeline.store.fidelity import summarise
from pipeline.store.layout import Shard
from pipeline.store.rows import CellRows
from pipeline.store.store import Store
from pipeline.store.writer import StoreWriter, create_store
from pipeline.teachers.device import resolve_device
from pipeline.teachers.teacher import Teacher

_SAMPLE = 64
"""Crops that the loss of a smaller storage size is measured on."""


Progress = Callable[[int, int, float], None]
"""Called after every batch with the crops done, those of kept shards among them, the cell's total, and the
crops per second of this run alone."""


@dataclass(frozen=True)
class ExtractionReport:
    """What one call of `extract_cell` did: crops answered, and shards."""

    crops: int
    seconds: float
    shards_written: int
    shards_kept: int

    @property
    def crops_per_s(self) -> float:
        return self.crops / self.seconds if self.seconds else 0.0

    def summary(self) -> str:
        if not self.crops:
            return f"complete already ({self.shards_kept} shards)"
        kept = f", {self.shards_kept} were there" if self.shards_kept else ""
        return (
            f"{self.crops} crops in {self.seconds:.0f} s ({self.crops_per_s:.1f}/s), "
            f"{self.shards_written} shards written{kept}"
        )


def extract_cell(
    teacher: Teacher,
    table: CropTable,
    path: Path,
    extract: ExtractParams,
    runtime: RuntimeParams,
    progress: Progress = lambda done, total, crops_per_s: None,
    *,
    replace_stale: bool = False,
) -> ExtractionReport:
    """Make the store at `path` complete: compute the shards that are missing or damaged, and only those.

    Memory does not grow with the table: it takes a few batches of crops, one batch of maps and one shard of
    compressed maps. What is on disk is the same however often the run was killed on the way.

    Raises:
        KDError: the store is stale (unless `replace_stale`, which begins it anew), is damaged in its metadata
            or cannot be written; an image has gone or changed since indexing; the teacher answers NaN.
            Shards finished before are kept.
    """
    device = resolve_device(runtime.device)
    store = create_store(path, CellSpec.of(teacher, table, extract), replace_stale)
    missing = store.missing()
    kept = len(store.layout.shards) - len(missing)
    if not missing and "fidelity" in store.attributes:
        return ExtractionReport(0, 0.0, 0, kept)
    run = _Run(teacher, table, store, extract, runtime, device, progress)
    with StoreWriter(store) as writer:
        started = time.perf_counter()
        written = run.compute(missing, writer)
        seconds = time.perf_counter() - started
        writer.set_attribute("fidelity", run.fidelity())
    return ExtractionReport(run.crops, seconds, written, kept)


class _Run:
    """One pass over the missing shards of one cell."""

    def __init__(
        self,
        teacher: Teacher,
        table: CropTable,
        store: Store,
        extract: ExtractParams,
        runtime: RuntimeParams,
        device: torch.device,
        progress: Progress,
    ) -> None:
        self.crops = 0
        self._teacher = teacher
        self._store = store
        self._crop_id = table.crop_id
        self._batches = CropBatches(table, teacher.crop)
        self._floor = extract.floor
        self._runtime = runtime
        self._device = device
        self._progress = progress

    def compute(self, missing: Sequence[Shard], writer: StoreWriter) -> int:
        """Compute and publish these shards; how many, without those where another process was faster."""
        plans = self._plans(missing)
        batches = load_batches(self._batches, plans, self._runtime.workers, self._device)
        total, kept = len(self._crop_id), len(self._crop_id) - sum(map(len, missing))
        started = time.perf_counter()
        with BackgroundWriter(writer) as background, closing(batches):
            for batch in batches:
                if batch.images_BHW3 is None:
                    raise KDError(batch.error)
                background.put(batch.plan.shard, self._answer(batch.plan, batch.images_BHW3))
                self.crops += len(batch.images_BHW3)
                self._progress(kept + self.crops, total, self.crops / (time.perf_counter() - started))
        return background.shards_written

    def _plans(self, missing: Sequence[Shard]) -> Iterator[BatchPlan]:
        """Asked for a few batches ahead, so a shard that another process finishes meanwhile is left out."""
        for shard in missing:
            if not self._store.is_whole(shard):
                yield from plan_batches([shard], self._runtime.batch_size)

    def _answer(self, plan: BatchPlan, images_BHW3: torch.Tensor) -> CellRows:
        rows = slice(plan.start, plan.stop)
        return answer_rows(
            self._teacher,
            images_BHW3.to(self._device),
            self._batches.affine_N23[rows],
            self._crop_id[rows],
            self._floor,
        )

    def fidelity(self) -> dict[str, Any]:
        """Of the complete cell; `storage` is what a smaller storage size costs, on the first crops."""
        return summarise(self._store) | {
            "storage": self._storage_fidelity(1) and self._storage_fidelity(_SAMPLE)
        }

    def _storage_fidelity(self, crops: int) -> dict[str, float] | None:
        first = self._store.layout.shards[0]
        sample = self._batches[BatchPlan(first, 0, min(crops, len(first)))]
        if sample.images_BHW3 is None:
            raise KDError(sample.error)
        return self._teacher.storage_fidelity(sample.images_BHW3.to(self._device))
