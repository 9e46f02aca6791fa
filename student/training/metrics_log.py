"""Training curves, through DVCLive."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from dvclive import Live

from pipeline.files.atomic import cannot_write


class MetricsLog:
    """One row of numbers per epoch, as `dvc metrics` and `dvc plots` read them.

    The rows travel in the checkpoint, and are written again when training resumes: a log left by a killed
    run can neither miss an epoch nor have one twice.
    """

    def __init__(self, folder: Path, history: Sequence[Mapping[str, float]] = ()) -> None:
        """`folder` becomes DVCLive's; `history` has the rows of the epochs that are over.

        Raises:
            KDError: it cannot be written; likewise below.
        """
        self._folder = folder
        # The stage's own dvc.yaml declares metrics and plots; DVCLive need not know of git or DVC.
        with self._writing():
            self._live = Live(str(folder), save_dvc_exp=False, dvcyaml=None, report=None)
        for row in history:
            self.add(row)

    def add(self, row: Mapping[str, float]) -> None:
        """Log the next epoch's numbers, by names such as `train/loss/total`."""
        with self._writing():
            for name, value in row.items():
                self._live.log_metric(name, value)
            self._live.next_step()

    def close(self) -> None:
        with self._writing():
            self._live.end()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            kept = "The student and the checkpoint that were there are as they were."
            raise cannot_write(self._folder, error, kept, ": it resumes from the checkpoint") from None
