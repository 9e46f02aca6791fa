"""Compressing and writing shards beside the teacher."""

import threading
import time
from queue import Queue

from pipeline.store.format.layout import Shard
from pipeline.store.format.rows import CellRows
from pipeline.store.write.shard_writer import ShardWriter
from pipeline.store.write.writer import StoreWriter

_WAITING = 2
"""Batches that may wait: enough to even out a slow disk, and a bound on memory."""


class BackgroundWriter:
    """Takes rows in their order and writes shards in one thread of its own; zstd and the disk let go of the
    interpreter's lock.

    A context manager: leaving it waits for the shards that are complete, and drops the one that is not. An
    error of the thread is raised by the next `put`, or on leaving.
    """

    def __init__(self, writer: StoreWriter) -> None:
        self.shards_written = 0
        self.waited_s = 0.0
        self._writer = writer
        self._queue: Queue[tuple[Shard, CellRows, bool] | None] = Queue(_WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="shard-writer", daemon=True)

    def __enter__(self) -> "BackgroundWriter":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._queue.put(None)
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def put(self, shard: Shard, rows: CellRows, last: bool) -> None:
        """The next rows of `shard`; after the `last` it is published. Waits while the thread is behind.

        Raises:
            KDError: writing failed.
        """
        if self._error is not None:
            raise self._error
        started = time.perf_counter()
        self._queue.put((shard, rows, last))
        self.waited_s += time.perf_counter() - started

    def _run(self) -> None:
        draft: ShardWriter | None = None
        while (item := self._queue.get()) is not None:
            if self._error is not None:
                continue  # keep taking, so that `put` does not wait for ever
            try:
                draft = self._write(draft, *item)
            except BaseException as error:  # handed to the thread that puts
                self._error = error

    def _write(
        self, draft: ShardWriter | None, shard: Shard, rows: CellRows, last: bool
    ) -> ShardWriter | None:
        draft = draft or self._writer.begin(shard)
        draft.append(rows)
        if not last:
            return draft
        draft.fill_up()
        self.shards_written += self._writer.publish(draft)
        return None
