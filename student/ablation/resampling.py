"""How much a number depends on which people happen to be in a dataset: they are drawn again, with
replacement.

A person is the unit: its joints stay together (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
chapters 6 and 13: percentile intervals). All models are measured on the same draws, so what a draw does to
both sides of a difference is no part of the difference.

Legend: B draws, N people.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from student.ablation.column import Column
from student.evaluation.metrics.pck import LIMB_JOINTS, MET, MISSED, NO_LABEL, columns_of
from student.evaluation.per_person import PersonVerdicts

DRAWS = 2000
COVERED = 0.95
FEWEST_PEOPLE = 2
"""One person drawn again is the same person: its interval would be a point, and mean nothing."""
_DRAWS_AT_ONCE = 100
_MEASURES = {"PCK20": "PCK20", "PCK20_limbs": "PCK20", "PCKh50": "PCKh50"}
"""Metric -> whose verdicts it is the share of. AP and AR are no shares, and have no interval."""


@dataclass(frozen=True)
class Interval:
    """Between these lie 95 % of the draws."""

    low: float
    high: float

    @classmethod
    def of(cls, value_B: Float64[np.ndarray, " b"]) -> "Interval | None":
        """Draws in which nothing was left to measure (NaN) do not count; None where that is all of them."""
        known = value_B[np.isfinite(value_B)]
        if not known.size:
            return None
        low, high = np.quantile(known, [(1 - COVERED) / 2, (1 + COVERED) / 2])
        return cls(float(low), float(high))


class Resampling:
    """The draws of every dataset: the same for whatever is measured on it, in every process."""

    def __init__(self) -> None:
        self._drawn: dict[tuple[str, int], UInt8[np.ndarray, "b n"]] = {}

    def values(
        self, verdicts: Mapping[str, PersonVerdicts], column: Column, metric: str
    ) -> Float64[np.ndarray, " b"] | None:
        """The column's value in every draw; None where the metric has no interval, a dataset of it no
        verdicts, or too few people."""
        joints = column.joints or (LIMB_JOINTS if metric == "PCK20_limbs" else None)
        measure = _MEASURES.get(metric, "PCK20" if column.joints else None)
        if measure is None:
            return None
        met_and_counted = []
        for dataset in column.datasets:
            of_dataset = verdicts.get(dataset)
            if of_dataset is None:
                return None
            if measure in of_dataset.of:
                people_N2 = _met_and_counted(of_dataset, measure, joints)
                if len(people_N2) in range(1, FEWEST_PEOPLE):
                    return None
                if len(people_N2):  # else the dataset has no labels, and is in no mean
                    met_and_counted.append(self._sums(dataset, people_N2))
        if not met_and_counted:
            return None
        with np.errstate(invalid="ignore"):  # 0 of 0: no person with such a label was drawn
            if column.kind == "group":
                met_B, counted_B = np.sum(met_and_counted, axis=0).T
                return met_B / counted_B
            return np.mean([sums_B2[:, 0] / sums_B2[:, 1] for sums_B2 in met_and_counted], axis=0)

    def _sums(self, dataset: str, people_N2: Int64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "b 2"]:
        """Over the people of every draw. Whole numbers, so exact in whatever order they are added."""
        drawn_BN = self._draws(dataset, len(people_N2))
        parts = [
            drawn_BN[start : start + _DRAWS_AT_ONCE].astype(np.float64) @ people_N2
            for start in range(0, DRAWS, _DRAWS_AT_ONCE)
        ]
        return np.concatenate(parts)

    def _draws(self, dataset: str, people: int) -> UInt8[np.ndarray, "b n"]:
        """How often each person is in each draw. Its seed is the dataset's name: others change nothing."""
        if (dataset, people) not in self._drawn:
            rng = np.random.default_rng(zlib.crc32(dataset.encode()))
            self._drawn[dataset, people] = np.stack(
                [
                    np.bincount(rng.integers(0, people, people), minlength=people).astype(np.uint8)
                    for _ in range(DRAWS)
                ]
            )
        return self._drawn[dataset, people]


def same_people(
    one: Mapping[str, PersonVerdicts], other: Mapping[str, PersonVerdicts], column: Column
) -> bool:
    """Whether both were measured on the same labels of the same people, in the column's datasets."""
    return all(
        dataset in one and dataset in other and _labels_of(one[dataset]) == _labels_of(other[dataset])
        for dataset in column.datasets
    )


def _labels_of(verdicts: PersonVerdicts) -> tuple[object, ...]:
    labelled = {measure: (v_NK != NO_LABEL).tobytes() for measure, v_NK in verdicts.of.items()}
    return verdicts.joints, verdicts.crop_id.tobytes(), labelled


def _met_and_counted(
    verdicts: PersonVerdicts, measure: str, joints: tuple[str, ...] | None
) -> Int64[np.ndarray, "m 2"]:
    """Of the people with any label that counts, whichever joints are asked for: they are who is drawn."""
    verdict_NK = verdicts.of[measure]
    people_MK = verdict_NK[(verdict_NK != NO_LABEL).any(axis=1)]
    columns = slice(None) if joints is None else columns_of(joints, verdicts.joints, verdicts.body_joints)
    chosen_MJ = people_MK[:, columns]
    return np.stack([(chosen_MJ == MET).sum(axis=1), (chosen_MJ >= MISSED).sum(axis=1)], axis=1)
