"""What training splits and stores tell of teachers before a training: no map is read, and no teacher is run.

Legend: N crops of a split, R relations (teacher joint -> union joint), U union joints, T teachers, D
datasets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64

from pipeline.conventions.union import UnionSkeleton
from student.labels import UnionLabels
from student.split import TrainingSplit
from student.supervision import Supervision
from student.teaching import Teaching
from student.weighting.confidence import usual_confidence
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
    share_TDU = reliability_table(tallies)
    return {
        teaching.name: TeacherRecord(
            share_DU=share_DU,
            labels_DU=np.stack([counted.labels_U for counted in row]),
            answers_U=_answers(teaching, skeleton),
        )
        for teaching, share_DU, row in zip(supervision.teachings, share_TDU, tallies, strict=True)
    }


def usual_confidences(supervision: Supervision) -> dict[str, Float32[np.ndarray, " r"]]:
    """By teacher, what its confidence in each of its related joints is measured against."""
    return {t.name: usual_confidence(_confidences(t, supervision.splits)) for t in supervision.teachings}


def _confidences(teaching: Teaching, splits: Sequence[TrainingSplit]) -> list[Float32[np.ndarray, "n r"]]:
    name = teaching.name
    asked = [split for split in splits if name in split.readers]
    return [
        split.readers[name].column("confidence")[_plain_rows(split, name)][:, teaching.source_R]
        for split in asked
    ]


def _plain_rows(split: TrainingSplit, teacher: str) -> Int64[np.ndarray, " n"]:
    """The rows of a store with the answers to the split's plain crops."""
    return split.store_rows(teacher, split.row_N, np.zeros(len(split), dtype=np.int64))


def _answers(teaching: Teaching, skeleton: UnionSkeleton) -> Bool[np.ndarray, " u"]:
    return np.isin(np.arange(skeleton.num_joints), teaching.union_R)


def _tally(teaching: Teaching, split: TrainingSplit, skeleton: UnionSkeleton) -> Tally:
    joints = skeleton.num_joints
    if teaching.name not in split.readers:
        return Tally(np.zeros(joints), np.zeros(joints))
    said_NK2 = split.readers[teaching.name].column("keypoints")[_plain_rows(split, teaching.name)]
    said_NU2 = np.zeros((len(split), joints, 2), dtype=np.float32)
    said_NU2[:, teaching.union_R] = said_NK2[:, teaching.source_R]
    label_NU2, labelled_NU = _union_labels(split, joints)
    counts_NU = labelled_NU & _answers(teaching, skeleton)
    counted = tally(said_NU2, label_NU2, counts_NU, split.table.bbox[split.row_N])
    swap_U = list(skeleton.flip_permutation)
    return Tally(
        (counted.met_U + counted.met_U[swap_U]) / 2, (counted.labels_U + counted.labels_U[swap_U]) / 2
    )


def _union_labels(
    split: TrainingSplit, joints: int
) -> tuple[Float32[np.ndarray, "n u 2"], Bool[np.ndarray, "n u"]]:
    """Every person's labels as union joints in image pixels, and which of them there are."""
    labels = UnionLabels(split.relations, joints)
    table = split.table
    people = [labels(table.keypoints[row], table.visibility[row]) for row in split.row_N.tolist()]
    keypoints, weights = zip(*people, strict=True)
    return np.stack(keypoints), np.stack(weights) > 0
