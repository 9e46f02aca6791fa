"""Putting a store's metadata right; `extract_cell` with `only_damaged` does the same for its shards."""

from contextlib import closing
from pathlib import Path

from pipeline.errors import KDError
from pipeline.files.durable import Session, storage_error, taking_turns
from pipeline.store.format.metadata import open_damaged
from pipeline.store.write.writer import write_metadata


def repair_metadata(path: Path) -> list[str]:
    """Write damaged metadata files again from the sound description that the store has left; their places.

    Needs neither teacher nor dataset.

    Raises:
        KDError: no store, another format, both descriptions are damaged, or the files cannot be written.
    """
    store, wrong = open_damaged(path)
    if not wrong:
        return []
    _check_no_folders(path, wrong)
    try:
        with closing(Session(path)) as session, taking_turns(path.parent):
            store, _ = open_damaged(path)
            return write_metadata(path, store.attributes, session.folder)
    except OSError as error:
        raise storage_error(path, error) from None


def _check_no_folders(path: Path, wrong: dict[str, str]) -> None:
    for place in wrong:
        if (path / place).is_dir():
            raise KDError(
                f"{path / place} is a folder, where the store has a file. What is in it is not the store's, "
                "so it is left alone: move it away, then run the same command again."
            )
