"""What training splits and stores tell of teachers before a training: no map is read, and no teacher is run.

Legend: N crops of a split, R relations (teacher joint -> union joint), U union joints, T teachers, D
datasets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from pipeline.conventions.union import UnionSkeleton
from student.calibration.fit import plain_rows
from student.data.split import TrainingSplit
from student.data.supervision import Supervision
from student.targets.teaching import Teaching
from student.targets.union_labels import union_labels
from student.weighting.reliability import Tally, reliability_table, tally


@dataclass(frozen=True)
class TeacherRecord:
    """One teacher's share of right answers by dataset and union joint, and of how many labels that is.

    `answers_U` says which joints the teacher has.
    """

    share_DU: Float[np.ndarray, "d u"]
    labels_DU: Float[np.ndarray, "d u"]
    answers_U: Bool[np.ndarray, " u"]


def teacher_records(supervision: Supervision) -> dict[str, TeacherRecord]:
    """By teacher, over the training splits in their order. Left and right joints share theirs: crops are
    mirrored in training."""
    skeleton = supervision.student.skeleton
    tallies = [
        [_tally(teaching, split, skeleton) for split in supervision.splits]
        for teaching in supervision.teachings
    ]
    splits = supervision.splits
    domains = list(dict.fromkeys(split.domain for split in splits))
    by_domain = reliability_table(
        [[_of_domain(row, splits, domain) for domain in domains] for row in tallies]
    )
    share_TDU = by_domain[:, [domains.index(split.domain) for split in splits]]
    return {
        teaching.name: TeacherRecord(
            share_DU=share_DU,
            labels_DU=np.stack([counted.labels_U for counted in row]),
            answers_U=_answers(teaching, skeleton),
        )
        for teaching, share_DU, row in zip(supervision.teachings, share_TDU, tallies, strict=True)
    }


def _of_domain(tallies: Sequence[Tally], splits: Sequence[TrainingSplit], domain: str) -> Tally:
    """What was counted on all splits of a domain together."""
    alike = [tally for tally, split in zip(tallies, splits, strict=True) if split.domain == domain]
    return Tally(sum(tally.met_U for tally in alike), sum(tally.labels_U for tally in alike))


def _answers(teaching: Teaching, skeleton: UnionSkeleton) -> Bool[np.ndarray, " u"]:
    return np.isin(np.arange(skeleton.num_joints), teaching.union_R)


def _tally(teaching: Teaching, split: TrainingSplit, skeleton: UnionSkeleton) -> Tally:
    joints = skeleton.num_joints
    if teaching.name not in split.readers:
        return Tally(np.zeros(joints), np.zeros(joints))
    said_NK2 = split.readers[teaching.name].column("keypoints")[plain_rows(split, teaching.name)]
    said_NU2 = np.zeros((len(split), joints, 2), dtype=np.float32)
    said_NU2[:, teaching.union_R] = said_NK2[:, teaching.source_R]
    label_NU2, labelled_NU = union_labels(split, joints)
    counts_NU = labelled_NU & _answers(teaching, skeleton)
    counted = tally(said_NU2, label_NU2, counts_NU, split.table.bbox[split.row_N])
    swap_U = list(skeleton.flip_permutation)
    return Tally(
        (counted.met_U + counted.met_U[swap_U]) / 2, (counted.labels_U + counted.labels_U[swap_U]) / 2
    )
