"""Parts of a store's files on a server."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import KDError
from pipeline.store.format.shard_bytes import Span
from pipeline.store.read.remote_path import RemotePath, reaching, unreachable

_WORTH_A_REQUEST = 64 * 1024
"""Bytes. A smaller gap between two spans is read along: that takes less time than another request."""


@dataclass
class _Request:
    """Consecutive bytes of one file that hold the spans in these `positions`."""

    file: str
    start: int
    stop: int | None
    positions: list[int]


class RemoteBytes:
    """All spans of a call are asked for at the same time, neighbours in one request."""

    def __init__(self, folder: RemotePath) -> None:
        self._folder = folder

    def read(self, spans: Sequence[Span]) -> list[bytes]:
        """See `ShardBytes`."""
        found = [b""] * len(spans)
        requests = _requests(spans)
        for request, data in zip(requests, self._answers(requests), strict=True):
            for position in request.positions:
                _, offset, length = spans[position]
                found[position] = data[offset - request.start :][:length]
        return found

    def read_ends(self, files: Sequence[str], length: int) -> list[bytes]:
        """See `ShardBytes`."""
        return self._answers([_Request(file, -length, None, []) for file in files])

    def _answers(self, requests: Sequence[_Request]) -> list[bytes]:
        with reaching(str(self._folder)):
            files, root = self._folder.on_server()
            answers = files.cat_ranges(
                [f"{root}/{request.file}" for request in requests],
                [request.start for request in requests],
                [request.stop for request in requests],
                on_error="return",
            )
        return [self._checked(*pair) for pair in zip(requests, answers, strict=True)]

    def _checked(self, request: _Request, answer: bytes | Exception) -> bytes:
        if isinstance(answer, FileNotFoundError):
            return b""
        if isinstance(answer, Exception):
            raise unreachable(f"{self._folder}/{request.file}", answer)
        if len(answer) > (request.stop or 0) - request.start:
            raise KDError(
                f"the server of {self._folder} sends whole files where a part is asked for, which is far too "
                "slow. Serve the store by one that knows Range requests, or copy it to a local disk."
            )
        return answer


def _requests(spans: Sequence[Span]) -> list[_Request]:
    requests: list[_Request] = []
    for position in sorted(range(len(spans)), key=spans.__getitem__):
        file, start, length = spans[position]
        last = requests[-1] if requests else None
        if last and last.file == file and start - last.stop <= _WORTH_A_REQUEST:
            last.stop = max(last.stop, start + length)
            last.positions.append(position)
        else:
            requests.append(_Request(file, start, start + length, [position]))
    return requests
