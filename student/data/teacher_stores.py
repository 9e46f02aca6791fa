"""Opening a teacher's store without the teacher: what made its checkpoint is not needed for it."""

from typing import Any

from pipeline.conventions.convention import Convention
from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import UnionSkeleton
from pipeline.datasets.crop_table import CropTable
from pipeline.errors import KDError
from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.store.format.map_codec import MapCodec
from pipeline.store.format.provenance import CellProvenance, stale_error
from pipeline.store.manage.expected import expected_provenance
from pipeline.store.read.reader import StoreReader
from pipeline.workspace import Workspace
from student.network.config import StudentConfig
from student.targets.teacher_spec import TeacherSpec


def open_cell(workspace: Workspace, teacher: str, table: CropTable) -> StoreReader:
    """The complete store of this teacher for the table's dataset, nothing of it read yet.

    Raises:
        KDError: missing, shards missing, or extracted from other crops, another checkpoint or with other
            params than the workspace has now.
    """
    path = workspace.store(teacher, table.dataset)
    if not path.is_dir():
        raise KDError(
            f"there is no store {path}. Make it: "
            f"kd-pipeline extract-teachers --teacher {teacher} --dataset {table.dataset}"
        )
    reader = StoreReader(path)
    _check_provenance(reader, workspace, teacher, table)
    return reader


def _check_provenance(reader: StoreReader, workspace: Workspace, teacher: str, table: CropTable) -> None:
    wanted = expected_provenance(workspace, teacher, reader.attributes)
    stored = CellProvenance(reader.attributes["provenance"])
    if stored.changes(wanted):
        raise stale_error(reader.path, stored, wanted, teacher, table.dataset)


def teacher_spec_of(
    workspace: Workspace, teacher: str, reader: StoreReader, union: UnionSkeleton, student: StudentConfig
) -> TeacherSpec:
    """How this teacher teaches this student, from its store's attributes.

    Raises:
        KDError: none of its joints stands for a union joint.
    """
    attributes = reader.attributes
    convention = stored_convention(workspace, teacher, reader)
    relations = union.relations_of(convention)
    if not any(relation.weight > 0 for relation in relations):
        raise _teaches_nothing(teacher, convention, union)
    return TeacherSpec.of(
        teacher,
        relations,
        attributes["convention"]["joints"],
        _geometry(attributes["map_geometry"]),
        _crop(attributes["crop_geometry"]),
        MapCodec.from_json(attributes["map_geometry"]["kind"], attributes["codec"]),
        student,
    )


def stored_convention(workspace: Workspace, teacher: str, reader: StoreReader) -> Convention:
    """The teacher's joints in the order of its stored maps."""
    convention = load_convention(workspace.teacher(teacher).convention, workspace.root)
    return convention.reordered(reader.attributes["convention"]["joints"], teacher)


def _teaches_nothing(teacher: str, convention: Convention, union: UnionSkeleton) -> KDError:
    return KDError(
        f"teacher {teacher} ({convention.origin}: {', '.join(convention.joints)}) has no joint of the union "
        f"skeleton ({', '.join(union.joints)}), so it can teach nothing. Take it out of distill.teachers, or "
        "add its convention to skeleton.conventions."
    )


def _geometry(values: dict[str, Any]) -> MapGeometry:
    return MapGeometry(values["kind"], tuple(values["size"]), tuple(values["scale"]), tuple(values["offset"]))


def _crop(values: dict[str, Any]) -> CropGeometry:
    return CropGeometry(tuple(values["input_size"]), values["padding"], values["udp"])
