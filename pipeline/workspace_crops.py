"""A workspace's crop tables, as long as they were made from the files and joints that params.yaml names
now."""

from pipeline.conventions.registry import load_convention
from pipeline.datasets.crop_table import CropTable, read_crop_table
from pipeline.datasets.index import sources_of
from pipeline.errors import KDError
from pipeline.params import DatasetParams
from pipeline.workspace import Workspace


def crops_of(workspace: Workspace, dataset: str) -> CropTable:
    """The crops of a dataset.

    Raises:
        KDError: there is no table that can be read, or it is of other files, another convention or other
            joints; a file cannot be read. One that is gone by now is no error: the table has all that is
            needed of it.
    """
    params = workspace.dataset(dataset)
    table = read_crop_table(workspace.crops(dataset), workspace.path(params.images))
    return _checked(workspace, params, table)


def people_of(workspace: Workspace, dataset: str) -> CropTable | None:
    """Everyone the annotations know, also whom AP ignores or detections miss; None for format `images`,
    which has no annotations.

    Raises:
        KDError: as `crops_of`.
    """
    params = workspace.dataset(dataset)
    if not params.has_labels:
        return None
    table = read_crop_table(workspace.people(dataset), workspace.path(params.images))
    return _checked(workspace, params.model_copy(update={"boxes": None}), table)


def _checked(workspace: Workspace, params: DatasetParams, table: CropTable) -> CropTable:
    named = [path for path in (params.annotations, params.boxes) if path is not None]
    if table.sources and set(named) != set(table.sources):
        then, now = ", ".join(table.sources), ", ".join(named)
        raise _other(table, f"made from {then}, but params.yaml names {now} for it now")
    for path, sha256 in sources_of(params, workspace.root).items():
        if table.sources.get(path, sha256) != sha256:
            raise _other(table, f"made from {path} as it was: its SHA-256 is another now")
    if table.convention != params.convention:
        then, now = table.convention or "no convention", params.convention or "none"
        raise _other(table, f"made with {then}, but params.yaml names {now} for it now")
    if table.joints and params.convention:
        joints = load_convention(params.convention, workspace.root).joints
        if joints != table.joints:
            changes = [f"{a} is {b} now" for a, b in zip(table.joints, joints, strict=False) if a != b]
            change = changes[0] if changes else f"{len(table.joints)} joints then, {len(joints)} now"
            raise _other(table, f"made when {params.convention} had other joints, or another order: {change}")
    return table


def _other(table: CropTable, why: str) -> KDError:
    return KDError(
        f"the crop table of {table.dataset} was {why}. Put back what was changed, or make the table again: "
        f"kd-pipeline index-datasets --dataset {table.dataset}"
    )
