"""The images of a crop table, as they were when it was made."""

import hashlib
from typing import SupportsIndex

import numpy as np
from jaxtyping import UInt8

from pipeline.datasets.crop_table import CropTable
from pipeline.datasets.image_files import decode_image
from pipeline.errors import KDError


class IndexedImages:
    """Reads a table's images. A file is compared with its hash in the table when a row asks for it first: a
    replaced one is never taken for the one that was labelled and that teachers were shown."""

    def __init__(self, table: CropTable) -> None:
        self._dataset = table.dataset
        self._root = table.images_root
        # Arrays: handing out entries of a list would copy a forked worker's pages, a little per crop.
        self._name_N = np.array([name.encode() for name in table.image])
        self._sha256_N = np.array([bytes.fromhex(digest) for digest in table.image_sha256], dtype="V32")
        self._known_N = np.zeros(len(table), dtype=bool)
        self._last: tuple[bytes, UInt8[np.ndarray, "H W 3"]] | None = None

    def read(self, row: SupportsIndex) -> UInt8[np.ndarray, "H W 3"]:
        """The row's image, BGR (`image_files.read_image`). Rows of one image, one after the other, decode it
        once.

        Raises:
            KDError: it is gone, has changed, or cannot be decoded.
        """
        name = bytes(self._name_N[row])
        if self._last is None or self._last[0] != name:
            path = self._root / name.decode()
            try:
                data = path.read_bytes()
            except OSError as error:
                raise KDError(
                    f"the image {path} was there when the dataset was indexed, but now it cannot be read: "
                    f"{error.strerror}. Put it back; or, to continue without it, {self._indexing()}."
                ) from None
            if not self._known_N[row] and hashlib.sha256(data).digest() != self._sha256_N[row].tobytes():
                raise KDError(
                    f"the image {path} has changed since the dataset was indexed: its SHA-256 is another. "
                    f"Put the old file back; or, to use the new one, {self._indexing()}."
                )
            self._last = name, decode_image(data, path)
        self._known_N[row] = True
        return self._last[1]

    def _indexing(self) -> str:
        return f"index again (kd-pipeline index-datasets --dataset {self._dataset}), then repeat this"
