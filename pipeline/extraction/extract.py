"""Stage one: every crop of a dataset is shown to a teacher once, and its maps are stored."""

import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.datasets.crop_table import CropTable
from pipeline.device import resolve_device
from pipeline.errors import KDError
from pipeline.extraction.background import BackgroundWriter
from pipeline.extraction.crop_batches import BatchPlan, CropBatches, plan_batches
from pipeline.extraction.crop_loader import load_batches
from pipeline.extraction.live_fidelity import draw_sample, measure
from pipeline.extraction.teacher_rows import CropRequest, teacher_rows
from pipeline.params import ExtractParams, RuntimeParams
from pipeline.store.format.cell import CellSpec, extent
from pipeline.store.format.layout import Shard
from pipeline.store.format.map_codec import MapCodec
from pipeline.store.format.rows import CellRows, RowKeys
from pipeline.store.manage.fidelity import summarise
from pipeline.store.store import Store
from pipeline.store.write.row_plan import RowPlan
from pipeline.store.write.writer import StoreWriter, create_store
from pipeline.teachers.teacher import Teacher

_SAMPLE, _LEAST_SAMPLE = 64, 8
"""Crops that a teacher predicts twice, to compare: one in fifty, within these bounds."""

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
    waited_s: float
    """Of `seconds`: how long the teacher waited because compressing and writing were behind."""

    @property
    def crops_per_s(self) -> float:
        return self.crops / self.seconds if self.seconds else 0.0

    def summary(self) -> str:
        if not self.crops:
            return f"complete already ({self.shards_kept} shards)"
        kept = f", {self.shards_kept} were there" if self.shards_kept else ""
        return (
            f"{self.crops} crops in {self.seconds:.0f} s ({self.crops_per_s:.1f}/s), "
            f"{self.shards_written} shards written{kept}; waited {self.waited_s:.1f} s for the disk"
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
    only_damaged: bool = False,
) -> ExtractionReport:
    """Make the store at `path` complete: compute what is missing, damaged or new, and only that.

    Crops that the table has and the store has not, changed ones among them, go into shards of their own;
    those that were there before are not touched. Rows of crops that are no longer in the table stay, and
    are not read.

    With `only_damaged`, new crops and shards that were missing altogether are left to another run.

    Memory does not grow with the table: it takes a few batches of crops, one batch of maps and one shard of
    compressed maps. What is on disk is the same however often the run was killed on the way.

    Raises:
        KDError: the store is stale (unless `replace_stale`, which starts it again), is damaged in its
            metadata or cannot be written; an image has gone or changed since indexing; the teacher answers
            NaN. Shards finished before are kept.
    """
    device = resolve_device(runtime.device)
    store = create_store(path, CellSpec.of(teacher, table, extract), replace_stale)
    wanted = extent(table, extract)
    if _is_up_to_date(store, wanted):
        return ExtractionReport(0, 0.0, 0, len(store.layout.shards), 0.0)
    run = _Run(teacher, table, store, extract, runtime, device, progress)
    with StoreWriter(store) as writer:
        started = time.perf_counter()
        computed: set[Shard] = set()
        while (plan := writer.plan(run.wanted, only_damaged)).keys_of:
            _check_disk(store, computed.intersection(plan.keys_of))
            run.compute(plan, writer)
            computed.update(plan.keys_of)
        seconds = time.perf_counter() - started
        complete = not writer.store.absent()
        if complete and (run.shards_written or "fidelity" not in writer.store.attributes):
            wanted["fidelity"] = run.fidelity(writer.store)
        if complete and wanted != {name: writer.store.attributes.get(name) for name in wanted}:
            writer.set_attributes(wanted)
    there = len(writer.store.layout.shards) - len(writer.store.absent())
    return ExtractionReport(run.crops, seconds, run.shards_written, there - run.shards_written, run.waited_s)


def _is_up_to_date(store: Store, wanted: Mapping[str, Any]) -> bool:
    """Whether a complete store was last made to hold what is asked for, and still does. So one on a read-only
    disk is no error."""
    attributes = store.attributes
    same = "fidelity" in attributes and wanted == {name: attributes[name] for name in wanted}
    return same and not store.absent() and not store.missing()


def _check_disk(store: Store, again: Collection[Shard]) -> None:
    """Raises KDError where shards that were written a moment ago cannot be read back."""
    if again:
        shard = min(again, key=lambda shard: shard.index)
        raise KDError(
            f"rows {shard.start} to {shard.stop - 1} of {store.path} were written, and read back damaged. "
            "The disk does not keep what is written to it: check it, or choose another workspace, then run "
            "the same command again. Sound shards are kept."
        )


class _Run:
    """Passes over the unfinished shards of one cell."""

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
        self.shards_written = 0
        self.waited_s = 0.0
        self._teacher = teacher
        self._batches = CropBatches(table, teacher.crop, extract.views)
        self._codec = MapCodec.of(extract, teacher.map.kind, teacher.beta)
        self._runtime = runtime
        self._device = device
        self._progress = progress

    @property
    def wanted(self) -> RowKeys:
        return self._batches.keys

    def compute(self, plan: RowPlan, writer: StoreWriter) -> None:
        """Compute and publish the shards of the plan, but for those where another process is faster."""
        batches = load_batches(
            self._batches, self._batch_plans(plan, writer), self._runtime.workers, self._device
        )
        self.shards_written += sum(
            writer.write_vacant(s) for s, key_R in plan.keys_of.items() if not len(key_R)
        )
        kept = len(self.wanted) - sum(map(len, plan.keys_of.values()))
        done, started = self.crops, time.perf_counter()
        with BackgroundWriter(writer) as background, closing(batches):
            for batch in batches:
                if batch.request is None:
                    raise KDError(batch.error)
                background.put(batch.plan.shard, self._answer(batch.request), batch.plan.last)
                self.crops += len(batch.plan.key_B)
                rate = (self.crops - done) / (time.perf_counter() - started)
                self._progress(kept + self.crops - done, len(self.wanted), rate)
        self.shards_written += background.shards_written
        self.waited_s += background.waited_s

    def _batch_plans(self, plan: RowPlan, writer: StoreWriter) -> Iterator[BatchPlan]:
        """Fetched a few batches ahead, so a shard that another process finishes meanwhile is left out.
        Beside another process in a random order, so that the two are seldom at the same shard."""
        shards = list(plan.keys_of.items())
        if not writer.is_alone:
            random.shuffle(shards)
        for shard, key_R in shards:
            if len(key_R) and not writer.store.is_whole(shard):
                yield from plan_batches({shard: key_R}, self._runtime.batch_size)

    def _answer(self, request: CropRequest) -> CellRows:
        on_device = replace(request, images_BHW3=request.images_BHW3.to(self._device))
        return teacher_rows(self._teacher, on_device, self._codec)

    def fidelity(self, store: Store) -> dict[str, Any]:
        """Of the complete cell. `sampled` compares some of its rows with the teacher, run again;
        `storage` is what a smaller storage size costs, on the same crops."""
        sample = draw_sample(store, self.wanted, max(_LEAST_SAMPLE, min(_SAMPLE, len(self.wanted) // 50)))
        sampled = measure(store, sample, self._teacher, self._batches, self._runtime)
        few = np.arange(min(len(self.wanted), self._runtime.batch_size, _LEAST_SAMPLE))
        images_BHW3 = self._batches.request(few).images_BHW3.to(self._device)
        return summarise(store) | {
            "sampled": sampled.summary(),
            "storage": self._teacher.storage_fidelity(images_BHW3),
        }
