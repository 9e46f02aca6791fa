"""Teachers' shares of correct joints, as a table and as JSON.

Legend: D datasets, U union joints.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.terminal.table import aligned
from student.weighting.right_shares import PRIOR_LABELS
from student.weighting.teacher_record import TeacherRecord

Records = Mapping[str, TeacherRecord]


def reliability_tables(records: Records, datasets: Sequence[str], joints: Sequence[str]) -> str:
    """One table per dataset: a row per union joint, a column per teacher."""
    tables = []
    for dataset, name in enumerate(datasets):
        rows = [[name, *records]]
        for joint, joint_name in enumerate(joints):
            cells = [_cell(record, dataset, joint) for record in records.values()]
            rows.append([joint_name, *cells])
        tables.append(aligned(rows, right=range(1, len(records) + 1)))
    return "\n\n".join(tables)


def _cell(record: TeacherRecord, dataset: int, joint: int) -> str:
    if not record.answers_U[joint]:
        return "-"
    share = f"{100 * record.share_DU[dataset, joint]:.1f}"
    return share if record.labels_DU[dataset, joint] >= PRIOR_LABELS else f"({share})"


def reliability_json(records: Records, datasets: Sequence[str], joints: Sequence[str]) -> dict[str, Any]:
    """`{dataset: {teacher: {joint: {"share": 0..1, "labels": count}}}}`, for joints that the teacher has."""
    return {
        dataset: {
            teacher: {
                joint: {
                    "share": round(float(record.share_DU[d, u]), 4),
                    "labels": float(record.labels_DU[d, u]),
                }
                for u, joint in enumerate(joints)
                if record.answers_U[u]
            }
            for teacher, record in records.items()
        }
        for d, dataset in enumerate(datasets)
    }
