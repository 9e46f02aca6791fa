"""Threads that decode, in whichever process reads."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from torch.utils.data import get_worker_info

from pipeline.cores import usable_cores

_MOST = 4
_SMALLEST_PORTION = 16
"""Rows worth handing to another thread."""


def default_threads() -> int:
    """One in a DataLoader's worker, which is one of many already; else one to a core, up to four."""
    if get_worker_info() is not None:
        return 1
    return min(usable_cores(), _MOST)


def run_in_portions(work: Callable[[slice], None], rows: int, threads: int) -> None:
    """`work` on consecutive portions of so many rows at once, the first of them in this thread. Raises what
    `work` raises."""
    portions = max(1, min(threads, rows // _SMALLEST_PORTION))
    ends = [rows * number // portions for number in range(portions + 1)]
    first, *others = (slice(start, stop) for start, stop in zip(ends, ends[1:], strict=False))
    pending = [_pool(os.getpid()).submit(work, portion) for portion in others]
    work(first)
    for done in pending:
        done.result()


@lru_cache(1)
def _pool(process: int) -> ThreadPoolExecutor:
    """This process's own: a forked child has its parent's pool, but not the threads in it."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="decode")
