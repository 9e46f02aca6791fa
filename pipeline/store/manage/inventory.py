"""The cells of a workspace, and what state each is in."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.datasets.crop_table import recorded_sha256
from pipeline.errors import KDError
from pipeline.store.format.cell import OlderFormat
from pipeline.store.manage.expected import expected_provenance
from pipeline.store.store import Store, open_store
from pipeline.workspace import Workspace

State = Literal["complete", "behind", "partial", "stale", "missing", "orphan", "unreadable"]
"""behind: complete, but for crops or views that the workspace has got since. stale: made from something
else than the workspace has now. orphan: params.yaml does not know its teacher or its dataset. unreadable:
what lies there is damaged, of another format, or no store."""

_SUFFIX = ".zarr"
_NOT_ASKED_FOR = "not one of the cells of params.yaml, so nothing reads it"


@dataclass(frozen=True)
class Cell:
    """One cell as far as file names and attributes show; nothing of its rows is read.

    `crops` is None where there is no readable store, `bytes` is the size of all its files.
    """

    path: str
    teacher: str
    dataset: str
    state: State
    detail: str
    crops: int | None = None
    shards: int = 0
    shards_there: int = 0
    rows_there: int = 0
    bytes: int = 0

    @property
    def bytes_per_crop(self) -> float | None:
        return self.bytes / self.rows_there if self.rows_there else None

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "bytes_per_crop": self.bytes_per_crop}


def stores_in(workspace: Workspace) -> list[Path]:
    """Everything that lies where a workspace has its stores."""
    return sorted((workspace.root / "stores").glob(f"*/*{_SUFFIX}"))


def is_named(workspace: Workspace, path: Path) -> bool:
    """Whether params.yaml knows the teacher and the dataset whose store has its place at `path`."""
    teacher, dataset = path.parent.name, path.name.removesuffix(_SUFFIX)
    return teacher in workspace.params.teachers and dataset in workspace.params.datasets


def cells_in(workspace: Workspace) -> list[Cell]:
    """Every cell that params.yaml asks for, and every other store that lies in the workspace."""
    there = stores_in(workspace)
    found = [_cell(workspace, path) for path in there]
    return sorted([*found, *_missing(workspace, set(there))], key=lambda cell: (cell.teacher, cell.dataset))


def _missing(workspace: Workspace, there: set[Path]) -> Iterator[Cell]:
    params = workspace.params
    for teacher in params.cells.teachers:
        for dataset in params.datasets_of(teacher):
            path = workspace.store(teacher, dataset)
            if path not in there:
                yield Cell(str(path), teacher, dataset, "missing", "not extracted yet")


def _cell(workspace: Workspace, path: Path) -> Cell:
    teacher, dataset = path.parent.name, path.name.removesuffix(_SUFFIX)
    try:
        store = open_store(path)
    except OlderFormat:
        outdated = "of an earlier kd-pipeline's format"
        return Cell(str(path), teacher, dataset, "stale", outdated, bytes=_size(path))
    except KDError as error:
        return Cell(str(path), teacher, dataset, "unreadable", str(error), bytes=_size(path))
    absent = store.absent()
    state, detail = _state(workspace, store, len(absent))
    if state != "orphan" and teacher not in workspace.params.teachers_of(dataset):
        detail = "; ".join(filter(None, [detail, _NOT_ASKED_FOR]))
    return Cell(
        path=str(path),
        teacher=teacher,
        dataset=dataset,
        state=state,
        detail=detail,
        crops=store.attributes["crops"],
        shards=len(store.layout.shards),
        shards_there=len(store.layout.shards) - len(absent),
        rows_there=sum(map(len, store.layout.shards)) - sum(map(len, absent)),
        bytes=_size(path),
    )


def _state(workspace: Workspace, store: Store, absent: int) -> tuple[State, str]:
    shards = len(store.layout.shards)
    progress = f"{shards - absent} of {shards} shards" if absent else ""
    if not is_named(workspace, store.path):
        return "orphan", progress
    changes = store.provenance.changes(
        expected_provenance(workspace, store.path.parent.name, store.attributes)
    )
    if changes:
        return "stale", "; ".join(f"{name} {old}, now {new}" for name, old, new in changes)
    if absent:
        return "partial", progress
    if "fidelity" not in store.attributes:
        return "partial", "fidelity not measured yet"
    news = _news(workspace, store)
    return ("behind", news) if news else ("complete", "")


def _news(workspace: Workspace, store: Store) -> str:
    """What the workspace has changed since, that extraction would add to the store."""
    attributes = store.attributes
    table = recorded_sha256(workspace.crops(store.path.name.removesuffix(_SUFFIX)))
    news = ["the crop table has changed"] if table not in (None, attributes["crop_table_sha256"]) else []
    if workspace.params.extract.views.model_dump(mode="json") != attributes["views"]:
        news.append("extract.views has changed")
    return ", ".join(news)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
