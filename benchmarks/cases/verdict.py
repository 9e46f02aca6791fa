"""How a benchmark ends that passes or does not."""

import json
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

import click


class Report(Protocol):
    passed: bool

    def as_dict(self) -> dict[str, Any]: ...

    def table(self) -> str: ...


def end_with(trials: Callable[[], Report], seed: int, as_json: bool) -> NoReturn:
    """Run them, print the report with the seconds they took, and exit: 1 where it did not pass."""
    started = time.perf_counter()
    report = trials()
    seconds = time.perf_counter() - started
    if as_json:
        click.echo(json.dumps({"seconds": round(seconds), "seed": seed, **report.as_dict()}, indent=2))
    else:
        click.echo(f"{report.table()}\n{seconds:.0f} s, {'passed' if report.passed else 'NOT PASSED'}")
    sys.exit(not report.passed)
