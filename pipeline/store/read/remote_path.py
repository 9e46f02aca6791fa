"""Addresses of stores: object stores and web servers, through fsspec."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pipeline.errors import KDError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


@dataclass(frozen=True)
class RemotePath:
    """As much of `pathlib.Path` as reading a store takes, for an address such as s3://bucket/cell.zarr.

    Holds no connection, so it may travel to any process: fsspec keeps one per process and server.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> "RemotePath":
        return RemotePath(f"{self.url.rstrip('/')}/{name}")

    def is_dir(self) -> bool:
        """Whether a Zarr group or array is there; many servers know of files only, not of folders.

        Raises:
            KDError: the server cannot be reached.
        """
        try:
            (self / "zarr.json").read_bytes()
        except FileNotFoundError:
            return False
        return True

    def read_bytes(self) -> bytes:
        """The whole file.

        Raises:
            FileNotFoundError: there is none.
            KDError: the server cannot be reached.
        """
        with reaching(self.url):
            files, place = self.on_server()
            return files.cat_file(place)

    def on_server(self) -> "tuple[AbstractFileSystem, str]":
        """Who answers for this address, and its name there."""
        from fsspec.core import url_to_fs  # a quarter of a second that local stores need not wait

        return url_to_fs(self.url)


StorePath = Path | RemotePath


def store_path(place: Path | str) -> StorePath:
    """A folder's path, or what an address with :// stands for."""
    address = urlsplit(str(place))
    if isinstance(place, Path) or not address.netloc and address.scheme != "file":
        return Path(place)
    return Path(url2pathname(address.path)) if address.scheme == "file" else RemotePath(str(place))


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Whatever libraries raise where a server does not answer, as one error a user understands."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        raise unreachable(url, error) from None


def unreachable(url: str, error: Exception) -> KDError:
    """Each kind of server has exceptions of its own."""
    if isinstance(error, ImportError):
        return KDError(
            f"{url} cannot be read: {error}. Install what reads such addresses: kd-pipeline[remote]"
        )
    return KDError(
        f"{url} cannot be read: {type(error).__name__}: {error}. Look at the address, the network and the "
        "credentials, then run the same command again; or copy the store to a local disk."
    )
