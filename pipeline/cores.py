"""How many processor cores there are, and how many of them load images."""

import os

MOST_WORKERS = 16


def usable_cores() -> int:
    """Those that this process may use, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def loading_workers(device_type: str) -> int:
    """Processes that load images for a network on a device of this type: beside a GPU, one to a core but one,
    up to 16; on the CPU, where the network needs the cores, one to four of them, which keeps up."""
    cores = usable_cores()
    return max(1, cores // 4) if device_type == "cpu" else max(1, min(cores - 1, MOST_WORKERS))
