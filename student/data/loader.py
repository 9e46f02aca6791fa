"""Whole batches, made by worker processes."""

import sys
from collections.abc import Iterator, Sequence
from typing import Generic, Literal, TypeVar

import cv2
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from pipeline.cores import loading_workers
from pipeline.errors import KDError

Batch = TypeVar("Batch")


class BatchLoader(Generic[Batch]):
    """What `dataset` has for every key of `sampler`, in its order; a key stands for a whole batch.

    Workers live as long as the loader. Iterating raises KDError where a batch cannot be made (an image or a
    shard that is lost), or where a worker died.
    """

    def __init__(
        self, dataset: Dataset[Batch], sampler: Sampler | Sequence, workers: int, device: torch.device
    ) -> None:
        self.sampler = sampler
        self._loader = DataLoader(
            _ErrorsHandedOver(dataset),
            sampler=sampler,
            batch_size=None,
            num_workers=workers,
            collate_fn=_as_it_is,
            pin_memory=device.type == "cuda",
            persistent_workers=workers > 0,
            multiprocessing_context=_start_method() if workers else None,
            worker_init_fn=_quiet_worker,
        )

    def __len__(self) -> int:
        """Batches of one pass."""
        return len(self.sampler)

    def __iter__(self) -> Iterator[Batch]:
        try:
            for batch in self._loader:
                if isinstance(batch, KDError):
                    raise batch
                yield batch
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            raise KDError(
                f"a process that loads images died: {str(error).splitlines()[0]}. Usually memory ran out, or "
                "/dev/shm is too small (docker run --shm-size=2g). Lower train.batch_size or runtime.workers "
                "(0: none), then run the same command again."
            ) from None


class _ErrorsHandedOver(Dataset):
    """A KDError in a worker is passed on as a value: raised, it would arrive wrapped in a traceback."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def __getitem__(self, key: object) -> object:
        try:
            return self._dataset[key]
        except KDError as error:
            return error


def worker_count(spec: int | Literal["auto"], device: torch.device) -> int:
    """How many workers `runtime.workers` means. With a single thread on a CPU none: what a worker saved it
    would take from the network, or from the process beside this one."""
    if spec != "auto":
        return spec
    return 0 if device.type == "cpu" and torch.get_num_threads() == 1 else loading_workers(device.type)


def _start_method() -> str:
    """A forked worker starts at once and shares tables; other systems' libraries do not survive a fork."""
    return "fork" if sys.platform == "linux" else "spawn"


def _quiet_worker(worker: int) -> None:
    """One thread each: OpenCV would start as many as there are cores."""
    cv2.setNumThreads(0)


def _as_it_is(batch: Batch) -> Batch:
    """Datasets hand over whole batches."""
    return batch
