"""Repairing stores through a workspace: its teachers, crop tables and images."""

from functools import cache, cached_property
from pathlib import Path

import click

from pipeline.datasets.crop_table import CropTable
from pipeline.device import resolve_device
from pipeline.errors import KDError
from pipeline.extraction.extract import extract_cell
from pipeline.store.manage.repair import repair_metadata
from pipeline.store.manage.verify import StoreReport
from pipeline.store.store import Store, open_store
from pipeline.teachers.adapters.registry import build_teacher
from pipeline.teachers.teacher import Teacher
from pipeline.workspace import Workspace
from pipeline.workspace_crops import crops_of
from stages.terminal.progress import ProgressBar


class Repair:
    """Callable on one store after the other. A teacher is built once, and only where a shard needs it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._teacher = cache(self._build)

    def __call__(self, path: Path, report: StoreReport) -> None:
        """Repair what `report` names, and say so on standard error.

        Raises:
            KDError: the store was made from something that the workspace does not have, or cannot be written.
        """
        for place in repair_metadata(path):
            click.echo(f"{path / place}: written again", err=True)
        if report.damaged_shards:
            self._repair_shards(open_store(path))

    def _repair_shards(self, store: Store) -> None:
        try:
            teacher, table = self._teacher(store.attributes["teacher"]), self._table(store)
        except KDError as error:
            raise KDError(
                f"{store.path}: shards can be computed again only by their teacher, from their images. "
                f"{str(error)[0].upper()}{str(error)[1:]} No shard was changed."
            ) from None
        params = self._workspace.params
        with ProgressBar(str(store.path), "crops") as progress:
            report = extract_cell(
                teacher, table, store.path, params.extract, params.runtime, progress, only_damaged=True
            )
        click.echo(f"{store.path}: {report.summary()}", err=True)

    @cached_property
    def _workspace(self) -> Workspace:
        return Workspace.open(self._root)

    def _build(self, name: str) -> Teacher:
        params = self._workspace.params
        teacher = self._workspace.teacher(name)
        return build_teacher(name, teacher, self._root, resolve_device(params.runtime.device))

    def _table(self, store: Store) -> CropTable:
        return crops_of(self._workspace, store.attributes["dataset"])
