"""Every number of one model on one labelled dataset."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64

from pipeline.conventions.convention import Convention
from pipeline.datasets.crop_table import CropTable
from pipeline.errors import KDError
from pipeline.extensions import METRICS
from student.evaluation.metrics.calibration_error import ScoreBin, reliability_curve
from student.evaluation.metrics.oks import average_precision
from student.evaluation.metrics.pck import (
    HEAD_THRESHOLD,
    TORSO_THRESHOLD,
    Pck,
    head_lengths,
    pck,
    torso_lengths,
)
from student.evaluation.predictions import Predictions


@dataclass(frozen=True)
class Scores:
    """AP and AR by name, and PCK by joint; None where the convention has no such body length."""

    persons: int
    not_predicted: tuple[str, ...]
    oks: dict[str, float]
    torso: Pck | None
    """PCK@0.2 of the torso's length."""
    head: Pck | None
    """PCKh@0.5 of the head segment's length."""
    reliability: tuple[ScoreBin, ...] = ()
    """Scores beside the share of joints that are right; empty without a label."""
    table: CropTable | None = field(default=None, compare=False, repr=False)
    """The crops that were predicted, with their own labels."""
    convention: Convention | None = field(default=None, compare=False, repr=False)
    ordered: Predictions | None = field(default=None, compare=False, repr=False)
    """Predictions in the table's order."""

    @cached_property
    def _numbers(self) -> dict[str, float]:
        measured = {name: METRICS.load(name)(self) for name in METRICS}
        return {name: round(value, 4) for name, value in measured.items() if value is not None}

    def flat(self) -> dict[str, float]:
        """Name to fraction (0 to 1), by the metrics of `pipeline.extensions` in their order; what cannot be
        measured is absent.

        Of `ECE`, the expected calibration error, less is better; of all others, more.
        """
        return dict(self._numbers)


def evaluate_predictions(
    table: CropTable, convention: Convention, predictions: Predictions, people: CropTable | None = None
) -> Scores:
    """Score predictions, in memory or read back from disk, against labels.

    Needs no network and nothing of OpenMMLab. The labels of a joint that is not predicted count nowhere.

    Args:
        table: the crops that were predicted. PCK is over their own labels, so detections have none.
        people: everyone annotated in the split (`pipeline.datasets.index.index_people`), for AP; None: only
            the table's people. The two differ where crops are detections, and by people AP must ignore.

    Raises:
        KDError: the predictions are not of this table's crops, or not in this convention.
    """
    _check_joints(convention, predictions)
    people = table if people is None else people
    ordered = predictions.in_order_of(table)
    torso, head = pck_of(table, convention, ordered)
    return Scores(
        persons=int((people.labelled & ~people.iscrowd).sum()),
        not_predicted=tuple(np.array(convention.joints)[~ordered.predicted].tolist()),
        oks=average_precision(people, convention, table, ordered),
        torso=torso,
        head=head,
        reliability=reliability_curve(table, ordered, labelled_joints(table)),
        table=table,
        convention=convention,
        ordered=ordered,
    )


def _check_joints(convention: Convention, predictions: Predictions) -> None:
    if len(predictions.predicted) != convention.num_joints:
        raise KDError(
            f"the predictions have {len(predictions.predicted)} joints, but {convention.name}, the dataset's "
            f"convention, has {convention.num_joints}. Write them in the dataset's: kd-pipeline evaluate"
        )


def pck_of(table: CropTable, convention: Convention, ordered: Predictions) -> tuple[Pck | None, Pck | None]:
    """PCK@0.2 of the torso and PCKh@0.5 of the head; `ordered` are predictions in the table's order."""
    labelled_NK = labelled_joints(table)

    def share(length_N: Float64[np.ndarray, "n"] | None, threshold: float) -> Pck | None:
        if length_N is None:
            return None
        return pck(
            ordered.keypoints,
            table.keypoints,
            labelled_NK,
            length_N,
            threshold,
            convention.joints,
            convention.body_joints,
        )

    return (
        share(torso_lengths(convention, table.keypoints, labelled_NK), TORSO_THRESHOLD),
        share(head_lengths(convention, table.keypoints, labelled_NK), HEAD_THRESHOLD),
    )


def labelled_joints(table: CropTable) -> Bool[np.ndarray, "n k"]:
    """Labels that count: those of crowds do not."""
    return (table.visibility > 0) & ~table.iscrowd[:, None]
