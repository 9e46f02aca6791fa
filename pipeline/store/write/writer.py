"""Making a cell and filling it, safely beside other processes that do the same."""

import glob
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import KDError
from pipeline.files.atomic import make_folder, sync
from pipeline.files.durable import (
    Session,
    is_locked,
    remove_dead_sessions,
    storage_error,
    taking_turns,
    write_durably,
)
from pipeline.store.format.cell import CellSpec, OlderFormat, group_metadata
from pipeline.store.format.layout import Shard
from pipeline.store.format.metadata import difference, metadata_files
from pipeline.store.format.rows import CellRows, RowKeys
from pipeline.store.store import Store, open_store, read_attributes
from pipeline.store.write.row_plan import RowPlan, plan_rows
from pipeline.store.write.shard_writer import ShardWriter


def create_store(path: Path, spec: CellSpec, replace_stale: bool = False) -> Store:
    """The cell `spec` at `path`: as it is if it is there, else new and empty.

    A store of other provenance or of an earlier format is an error; with `replace_stale` it is deleted and
    started again. A damaged one, or a folder that is no store, is never deleted.

    Raises:
        KDError: stale, damaged, not a store, or the folder cannot be written.
    """
    if not path.exists():
        make_folder(path.parent)
    try:
        with taking_turns(path.parent) as alone:
            if alone:
                _remove_leftovers(path)
            if _is_occupied(path) and not (replace_stale and _is_outdated(path, spec)):
                remove_dead_sessions(path)
                return open_store(path, spec.provenance)
            _write_empty(path, spec)
    except OSError as error:
        raise storage_error(path, error) from None
    return open_store(path, spec.provenance)


def _is_occupied(path: Path) -> bool:
    return path.exists() and (not path.is_dir() or any(path.iterdir()))


def _is_outdated(path: Path, spec: CellSpec) -> bool:
    try:
        return open_store(path).provenance != spec.provenance
    except OlderFormat:
        return True


def _remove_leftovers(path: Path) -> None:
    """Drafts, and stores that were being replaced, of processes killed in the middle of `_write_empty`."""
    for folder in path.parent.glob(f".{glob.escape(path.name)}.*"):
        shutil.rmtree(folder, ignore_errors=True)


def _write_empty(path: Path, spec: CellSpec) -> None:
    """Metadata without shards, in place of what is at `path`; the folder appears complete."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        for place, data in metadata_files(spec.attributes).items():
            (draft / place).parent.mkdir(parents=True, exist_ok=True)
            write_durably(draft / place, [data])
            sync((draft / place).parent)
        if path.exists():
            old = path.with_name(f"{draft.name}.old")
            path.rename(old)
            draft.rename(path)
            shutil.rmtree(old, ignore_errors=True)
        else:
            draft.rename(path)
        sync(path.parent)
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

    @property
    def is_alone(self) -> bool:
        """Whether no other process is writing to this store, as far as locks show."""
        sessions = self._session.folder.parent.iterdir()
        return not any(is_locked(folder) for folder in sessions if folder != self._session.folder)

    def begin(self, shard: Shard) -> ShardWriter:
        level = self.store.attributes["codec"]["zstd_level"]
        return ShardWriter(self.store.layout, shard, level, self.store.sealing)

    def write(self, shard: Shard, rows: CellRows) -> bool:
        """A whole shard at once; see `publish`."""
        draft = self.begin(shard)
        draft.append(rows)
        return self.publish(draft)

    def write_vacant(self, shard: Shard) -> bool:
        """A whole shard without a crop; see `publish`."""
        draft = self.begin(shard)
        draft.fill_up()
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
                    sync((path / place).parent)
            return True
        except OSError as error:
            if isinstance(error, FileNotFoundError):
                _check_same_cell(self.store)
            raise storage_error(path, error) from None

    def plan(self, wanted: RowKeys, only_damaged: bool = False) -> RowPlan:
        """What to compute so that the store holds a row for every wanted key; makes the store longer for it.

        With `only_damaged`, just the shards that were there before.

        Raises:
            KDError: no space left, not writable, or the store was replaced meanwhile.
        """
        path = self.store.path
        try:
            with taking_turns(path.parent):
                self._look_again()
                missing = self.store.missing()
                whole = [shard for shard in self.store.layout.shards if shard not in missing]
                plan = plan_rows(wanted, self.store.keys_of(whole), missing)
                if only_damaged:
                    return plan.limited_to([shard for shard in missing if self.store.was_there(shard)])
                return self._lengthened(plan) if plan.unplaced_R.size else plan
        except OSError as error:
            raise storage_error(path, error) from None

    def _lengthened(self, plan: RowPlan) -> RowPlan:
        """The store with one more segment, and so not complete any more."""
        first = len(self.store.layout.shards)
        attributes = {name: value for name, value in self.store.attributes.items() if name != "fidelity"}
        attributes["segments"] = [*attributes["segments"], len(plan.unplaced_R)]
        self._write_metadata(attributes)
        return plan.with_shards(self.store.layout.shards[first:])

    def set_attributes(self, values: Mapping[str, Any]) -> None:
        """Add or change attributes of the store, for good.

        Raises:
            KDError: no space left, not writable, or the store was replaced meanwhile.
        """
        path = self.store.path
        try:
            with taking_turns(path.parent):
                self._look_again()
                self._write_metadata(self.store.attributes | values)
        except OSError as error:
            raise storage_error(path, error) from None

    def _write_metadata(self, attributes: Mapping[str, Any]) -> None:
        signed = group_metadata(attributes)["attributes"]
        write_metadata(self.store.path, signed, self._session.folder)
        self._look_again()

    def _look_again(self) -> None:
        """Another writer may have made the store longer."""
        _check_same_cell(self.store)
        self.store = open_store(self.store.path)


def write_metadata(path: Path, attributes: Mapping[str, Any], drafts: Path) -> list[str]:
    """Make every metadata file of the store say what follows from `attributes`; places of those that did not.

    To be called by one process at a time. `drafts` is a folder for unfinished files on the same disk.

    Raises:
        OSError: a file cannot be written.
    """
    written = []
    for place, data in metadata_files(attributes).items():
        if difference(path / place, data):
            draft = drafts / place.replace("/", ".")
            write_durably(draft, [data])
            (path / place).parent.mkdir(exist_ok=True)
            os.replace(draft, path / place)
            sync((path / place).parent)
            written.append(place)
    sync(path)
    return written


def _check_same_cell(store: Store) -> None:
    if read_attributes(store.path)["provenance_sha256"] != store.attributes["provenance_sha256"]:
        raise KDError(
            f"{store.path} was replaced by another run with other parameters while this one was extracting "
            f"into it. Stop the run that is not wanted, then: {store.remedy}"
        )
