"""What is no longer needed among a workspace's stores, and clearing it away."""

import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import KDError
from pipeline.files.durable import SESSIONS, is_locked, storage_error, taking_turns
from pipeline.store.format.metadata import metadata_files
from pipeline.store.manage.inventory import is_named, stores_in
from pipeline.store.store import Store, open_store
from pipeline.workspace import Workspace, is_behind_link

_DRAFT = re.compile(r"\..+\.zarr\.[0-9a-f]{32}(\.old)?")
"""A store that `pipeline.store.write.writer` was making or replacing."""


@dataclass(frozen=True)
class Garbage:
    """A folder that may be deleted, and why."""

    path: Path
    kind: Literal["orphan", "session", "draft"]

    @property
    def why(self) -> str:
        return {
            "orphan": "params.yaml does not know its teacher or its dataset",
            "session": "unfinished files of an extraction that was killed",
            "draft": "a store that a killed extraction was beginning or replacing",
        }[self.kind]

    @property
    def bytes(self) -> int:
        return sum(file.lstat().st_size for file in self.path.rglob("*") if not file.is_dir())


def find_garbage(workspace: Workspace) -> tuple[list[Garbage], dict[Path, str]]:
    """What may be deleted; and the stores that params.yaml does not name but that are left alone, with the
    reason. Nothing behind a link may be deleted."""
    garbage, kept = [], {}
    for path in stores_in(workspace):
        if is_behind_link(path, workspace.root):
            if not is_named(workspace, path):
                kept[path] = "it is a link or lies behind one, and others may use it; remove it by hand"
            continue
        if not is_named(workspace, path):
            reason = _reason_to_keep(path)
            if reason is None:
                garbage.append(Garbage(path, "orphan"))
                continue
            kept[path] = reason
        garbage += [Garbage(folder, "session") for folder in _dead_sessions(path)]
    return garbage + list(_drafts(workspace)), kept


def _reason_to_keep(path: Path) -> str | None:
    try:
        store = open_store(path)
    except KDError as error:
        return str(error)
    strange = next(_strange_files(store), None)
    if strange is not None:
        return f"it holds a file that is not the store's: {strange.relative_to(path)}"
    if any(is_locked(folder) for folder in path.glob(f"{SESSIONS}/*")):
        return "another process is extracting into it"
    return None


def _strange_files(store: Store) -> Iterator[Path]:
    known = set(metadata_files(store.attributes))
    known |= {array.file_name(shard) for array in store.layout.arrays for shard in store.layout.shards}
    for file in store.path.rglob("*"):
        place = file.relative_to(store.path)
        if not file.is_dir() and place.parts[0] != SESSIONS and str(place) not in known:
            yield file


def _dead_sessions(store: Path) -> list[Path]:
    return [folder for folder in sorted(store.glob(f"{SESSIONS}/*")) if not is_locked(folder)]


def _drafts(workspace: Workspace) -> Iterator[Garbage]:
    """A draft is made under the lock of its parent folder: one that is there in one's own turn is dead."""
    for parent in sorted((workspace.root / "stores").glob("*/")):
        if is_behind_link(parent, workspace.root):
            continue
        drafts = [path for path in sorted(parent.iterdir()) if _DRAFT.fullmatch(path.name)]
        if drafts:
            with taking_turns(parent) as alone:
                yield from (Garbage(path, "draft") for path in drafts if alone and path.is_dir())


def remove(garbage: Garbage) -> None:
    """Delete a folder; a store vanishes at once, so that a killed deletion leaves no half of it.

    Raises:
        KDError: another process began to write there meanwhile, or it cannot be deleted.
    """
    path = garbage.path
    try:
        if garbage.kind == "session":
            shutil.rmtree(path)
            with suppress(OSError), taking_turns(path.parents[2]):
                path.parent.rmdir()
            return
        with taking_turns(path.parent):
            if any(is_locked(folder) for folder in path.glob(f"{SESSIONS}/*")):
                raise KDError(f"{path} is left alone: another process has just begun to extract into it.")
            shutil.rmtree(_set_aside(path) if garbage.kind == "orphan" else path)
    except OSError as error:
        raise storage_error(path, error) from None


def _set_aside(path: Path) -> Path:
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.old")
    os.rename(path, aside)
    return aside
