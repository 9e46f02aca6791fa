"""Rates of several things, measured in turns: other work on the machine then slows all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

Work = Callable[[], int]
"""Does some, and says of how many crops."""


def take_turns(works: Mapping[str, Work], rounds: int, seconds: float) -> dict[str, dict[str, Any]]:
    """Each work for so many seconds in each round, after once to warm up.

    Crops per second of the clock: the median over the rounds, the lowest, the highest, and each round's; and
    per second of processor time, which other work touches less.
    """
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(rounds):
        for name, work in works.items():
            rates[name].append(_rate(work, seconds))
    return {name: _summary(found) for name, found in rates.items()}


def _rate(work: Work, seconds: float) -> tuple[float, float]:
    crops, started, cpu_started = 0, time.perf_counter(), time.process_time()
    while (passed := time.perf_counter() - started) < seconds:
        crops += work()
    return crops / passed, crops / (time.process_time() - cpu_started)


def _summary(found: list[tuple[float, float]]) -> dict[str, Any]:
    by_clock, by_cpu = zip(*found, strict=True)
    return {
        "crops_per_s": statistics.median(by_clock),
        "lowest": min(by_clock),
        "highest": max(by_clock),
        "crops_per_cpu_s": statistics.median(by_cpu),
        "rounds": list(by_clock),
        "cpu_rounds": list(by_cpu),
    }


def ratio(found: Mapping[str, Mapping[str, Any]], one: str, other: str) -> float:
    """How many times as fast `one` is: the median over the rounds."""
    pairs = zip(found[one]["rounds"], found[other]["rounds"], strict=True)
    return statistics.median(a / b for a, b in pairs)
