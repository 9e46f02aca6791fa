"""Worker processes that decode and warp crops while the teacher computes."""

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Literal

import cv2
import torch
from torch.utils.data import DataLoader

from pipeline.cores import loading_workers
from pipeline.errors import KDError
from pipeline.extraction.crop_batches import BatchPlan, CropBatch, CropBatches

_NICENESS = 5
_PREFETCH = 3
"""Batches a worker prepares ahead."""
_WATCH_S = 1.0


def load_batches(
    batches: CropBatches, plans: Iterable[BatchPlan], workers: int | Literal["auto"], device: torch.device
) -> Iterator[CropBatch]:
    """The batches, in the order of the plans. Workers hand over uint8 crops, through shared memory.

    Raises:
        KDError: a worker process died.
    """
    num_workers = loading_workers(device.type) if workers == "auto" else workers
    loader = DataLoader(
        batches,
        sampler=plans,
        batch_size=None,
        num_workers=num_workers,
        prefetch_factor=_PREFETCH if num_workers else None,
        multiprocessing_context=_start_method() if num_workers else None,
        worker_init_fn=partial(_settle_worker, os.getpid()),
    )
    try:
        yield from loader
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise KDError(
            f"a process that loads images died: {str(error).splitlines()[0]}. Usually memory ran out, or "
            "/dev/shm is too small (docker run --shm-size=2g). Lower runtime.batch_size or runtime.workers "
            "(0: none), then run the same command again: finished shards are kept."
        ) from None


def _start_method() -> str:
    """A forked worker starts at once and shares the table; other systems' libraries do not survive a fork."""
    return "fork" if sys.platform == "linux" else "spawn"


def _settle_worker(parent: int, worker: int) -> None:
    """One thread, and the teacher goes first: its threads wait for each other, one held back stalls all."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    os.nice(_NICENESS)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _leave_with(parent: int) -> None:
    """End this process once `parent` is gone.

    PyTorch's own watch misses a parent that is killed while the worker starts: it takes the process that
    adopts the worker for its parent, and waits for ever.
    """
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os._exit(1)
