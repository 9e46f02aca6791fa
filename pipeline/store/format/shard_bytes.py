"""Parts of a store's files, wherever the store lies."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

Span = tuple[str, int, int]
"""A file, named below the store's root; the offset of its first byte wanted; how many."""


@runtime_checkable
class ShardBytes(Protocol):
    """Works in forked and spawned children, also where the parent has read before.

    A file that is missing or too short is no error here, it gives fewer bytes than asked for: the checksums
    find it. What computing a shard again does not fix (a server that does not answer) is a KDError.
    """

    def read(self, spans: Sequence[Span]) -> list[bytes]:
        """The spans' bytes, in order."""
        ...

    def read_ends(self, files: Sequence[str], length: int) -> list[bytes]:
        """The last bytes of each file."""
        ...
