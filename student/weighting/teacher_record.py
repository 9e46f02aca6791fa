"""What training splits and stores show of teachers before a training: no map is read, and no teacher is run.

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
from student.data.training_data import TrainingData
from student.targets.teacher_spec import TeacherSpec
from student.targets.union_labels import union_labels
from student.weighting.right_shares import Tally, reliability_table, tally


@dataclass(frozen=True)
class TeacherRecord:
    """One teacher's share of right answers by dataset and union joint, and of how many labels that is.

    `answers_U` says which joints the teacher has.
    """

    share_DU: Float[np.ndarray, "d u"]
    labels_DU: Float[np.ndarray, "d u"]
    answers_U: Bool[np.ndarray, " u"]


def teacher_records(training_data: TrainingData) -> dict[str, TeacherRecord]:
    """By teacher, over the training splits in their order. Left and right joints share theirs: crops are
    mirrored in training."""
    skeleton = training_data.student.skeleton
    tallies = [
        [_tally(spec, split, skeleton) for split in training_data.splits]
        for spec in training_data.teacher_specs
    ]
    splits = training_data.splits
    domains = list(dict.fromkeys(split.domain for split in splits))
    by_domain = reliability_table(
        [[_of_domain(row, splits, domain) for domain in domains] for row in tallies]
    )
    share_TDU = by_domain[:, [domains.index(split.domain) for split in splits]]
    return {
        spec.name: TeacherRecord(
            share_DU=share_DU,
            labels_DU=np.stack([counted.labels_U for counted in row]),
            answers_U=_answers(spec, skeleton),
        )
        for spec, share_DU, row in zip(training_data.teacher_specs, share_TDU, tallies, strict=True)
    }


def _of_domain(tallies: Sequence[Tally], splits: Sequence[TrainingSplit], domain: str) -> Tally:
    """What was counted on all splits of a domain together."""
    alike = [tally for tally, split in zip(tallies, splits, strict=True) if split.domain == domain]
    return Tally(sum(tally.met_U for tally in alike), sum(tally.labels_U for tally in alike))


def _answers(spec: TeacherSpec, skeleton: UnionSkeleton) -> Bool[np.ndarray, " u"]:
    return np.isin(np.arange(skeleton.num_joints), spec.union_R)


def _tally(spec: TeacherSpec, split: TrainingSplit, skeleton: UnionSkeleton) -> Tally:
    joints = skeleton.num_joints
    if spec.name not in split.readers:
        return Tally(np.zeros(joints), np.zeros(joints))
    keypoint_NK2 = split.readers[spec.name].column("keypoints")[plain_rows(split, spec.name)]
    keypoint_NU2 = np.zeros((len(split), joints, 2), dtype=np.float32)
    keypoint_NU2[:, spec.union_R] = keypoint_NK2[:, spec.source_R]
    label_NU2, labelled_NU = union_labels(split, joints)
    counts_NU = labelled_NU & _answers(spec, skeleton)
    counted = tally(keypoint_NU2, label_NU2, counts_NU, split.table.bbox[split.row_N])
    swap_U = list(skeleton.flip_permutation)
    return Tally(
        (counted.met_U + counted.met_U[swap_U]) / 2, (counted.labels_U + counted.labels_U[swap_U]) / 2
    )
