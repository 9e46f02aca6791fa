"""A progress bar with rate and remaining time, for any stage that counts something."""

import sys
from types import TracebackType

from tqdm import tqdm


class ProgressBar:
    """Callable as `progress(done, total)`; further arguments are ignored, tqdm measures the rate itself.

    Nothing appears before the first call, so that an error at the start stands alone. Written to standard
    error; where that is no terminal (DVC, a log file), at most a line every 10 s.
    """

    def __init__(self, what: str, unit: str) -> None:
        self._what = what
        self._unit = unit
        self._bar: tqdm | None = None

    def __call__(self, done: int, total: int, *_: object) -> None:
        if self._bar is None:
            terminal = sys.stderr.isatty()
            interval = 0.1 if terminal else 10.0
            self._bar = tqdm(
                desc=self._what,
                unit=f" {self._unit}",
                dynamic_ncols=terminal,
                mininterval=interval,
                initial=done,
            )
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
