"""Making a cell and filling it, safely beside other processes that do the same."""

import glob
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

from pipeline.errors import KDError
from pipeline.store.cell import CellSpec, group_metadata
from pipeline.store.durable import (
    Session,
    json_bytes,
    remove_dead_sessions,
    storage_error,
    sync_folder,
    taking_turns,
    write_durably,
)
from pipeline.store.layout import Shard
from pipeline.store.rows import CellRows
from pipeline.store.shard_writer import ShardWriter
from pipeline.store.store import METADATA, Store, open_store, read_attributes
from pipeline.workspace import make_folder


def create_store(path: Path, spec: CellSpec, replace_stale: bool = False) -> Store:
    """The cell `spec` at `path`: as it is if it is there, else new and empty.

    A store of other provenance is an error; with `replace_stale` it is deleted and begun anew. A damaged one,
    or a folder that is no store, is never deleted.

    Raises:
        KDError: stale, damaged, not a store, or the folder cannot be written.
    """
    if not path.exists():
        make_folder(path.parent)
    try:
        with taking_turns(path.parent) as alone:
            if alone:
                _remove_leftovers(path)
            if _is_occupied(path):
                stored = open_store(path)
                if stored.provenance == spec.provenance or not replace_stale:
                    remove_dead_sessions(path)
                    return open_store(path, spec.provenance)
            _write_empty(path, spec)
    except OSError as error:
        raise storage_error(path, error) from None
    return open_store(path, spec.provenance)


def _is_occupied(path: Path) -> bool:
    return path.exists() and (not path.is_dir() or any(path.iterdir()))


def _remove_leftovers(path: Path) -> None:
    """Drafts, and stores that were being replaced, of processes killed in the middle of `_write_empty`."""
    for folder in path.parent.glob(f".{glob.escape(path.name)}.*"):
        shutil.rmtree(folder, ignore_errors=True)


def _write_empty(path: Path, spec: CellSpec) -> None:
    """Metadata without shards, in place of what is at `path`; the folder appears complete."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        for array in spec.layout.arrays:
            (draft / array.name).mkdir(parents=True)
            metadata = array.metadata(spec.attributes["codec"]["zstd_level"])
            write_durably(draft / array.name / METADATA, [json_bytes(metadata)])
        write_durably(draft / METADATA, [json_bytes(group_metadata(spec.attributes))])
        sync_folder(draft)
        if path.exists():
            old = path.with_name(f"{draft.name}.old")
            path.rename(old)
            draft.rename(path)
            shutil.rmtree(old, ignore_errors=True)
        else:
            draft.rename(path)
        sync_folder(path.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


class StoreWriter:
    """Publishes shards into a store. A context manager: leaving it removes what is unfinished."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._session: Session | None = None

    def __enter__(self) -> "StoreWriter":
        try:
            self._session = Session(self.store.path)
        except OSError as error:
            raise storage_error(self.store.path, error) from None
        return self

    def __exit__(self, *exception: object) -> None:
        self._session.close()

    def begin(self, shard: Shard) -> ShardWriter:
        return ShardWriter(self.store.layout, shard, self.store.attributes["codec"]["zstd_level"])

    def write(self, shard: Shard, rows: CellRows) -> bool:
        """A whole shard at once; see `publish`."""
        draft = self.begin(shard)
        draft.append(rows)
        return self.publish(draft)

    def publish(self, shard: ShardWriter) -> bool:
        """Make a complete shard part of the store. False where another process had done so before.

        Raises:
            KDError: no space left, not writable, or the store was replaced meanwhile.
        """
        path = self.store.path
        try:
            drafts = shard.write_drafts(self._session.folder)
            with taking_turns(path.parent):
                _check_same_cell(self.store)
                if self.store.is_whole(shard.shard):
                    return False
                for draft, place in drafts:
                    os.replace(draft, path / place)
                    sync_folder((path / place).parent)
            return True
        except OSError as error:
            if isinstance(error, FileNotFoundError):
                _check_same_cell(self.store)
            raise storage_error(path, error) from None

    def set_attribute(self, name: str, value: Any) -> None:
        """Add or change one attribute of the store, for good.

        Raises:
            KDError: no space left, not writable, or the store was replaced meanwhile.
        """
        path = self.store.path
        try:
            with taking_turns(path.parent):
                _check_same_cell(self.store)
                metadata = group_metadata(read_attributes(path) | {name: value})
                draft = self._session.folder / METADATA
                write_durably(draft, [json_bytes(metadata)])
                os.replace(draft, path / METADATA)
                sync_folder(path)
        except OSError as error:
            raise storage_error(path, error) from None
        self.store.attributes = metadata["attributes"]


def _check_same_cell(store: Store) -> None:
    if read_attributes(store.path)["provenance_sha256"] != store.attributes["provenance_sha256"]:
        raise KDError(
            f"{store.path} was replaced by another run with other parameters while this one was extracting "
            f"into it. Stop the run that is not wanted, then: {store.remedy}"
        )
