"""Two spellings of one file name: Unicode has é as one character (NFC, as most write it) and as an e with an
accent (NFD, as macOS unpacks archives)."""

import os
import posixpath
import unicodedata
from pathlib import Path, PurePosixPath

from pipeline.datasets.refusal import Reason, Refused


class SameLooks:
    """Finds files below a folder whose names look like a given one. Folders are listed once."""

    def __init__(self, images_root: Path) -> None:
        self._root = images_root
        self._folders: dict[Path, dict[str, list[str]]] = {}

    def find(self, name: str) -> str | None:
        """The name, relative to the folder, of the one file that looks like `name`; None: there is none.

        Raises:
            Refused: there are several.
        """
        folder, found = self._root, []
        for part in PurePosixPath(posixpath.normpath(name)).parts:
            same = [part] if part.isascii() else self._entries(folder).get(_composed(part), [])
            if len(same) > 1 and part not in same:
                spellings = " and ".join(ascii(entry) for entry in same)
                raise Refused(
                    Reason.AMBIGUOUS_NAME, f"{folder} has {spellings}, and neither is {ascii(part)} exactly"
                )
            if not same:
                return None
            found.append(part if part in same else same[0])
            folder = folder / found[-1]
        return posixpath.join(*found) if folder.is_file() else None

    def _entries(self, folder: Path) -> dict[str, list[str]]:
        """A folder's entries by their composed names."""
        if folder not in self._folders:
            entries: dict[str, list[str]] = {}
            for entry in sorted(_listed(folder)):
                entries.setdefault(_composed(entry), []).append(entry)
            self._folders[folder] = entries
        return self._folders[folder]


def _listed(folder: Path) -> list[str]:
    """Nothing where there is no such folder, or where it cannot be read."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)
