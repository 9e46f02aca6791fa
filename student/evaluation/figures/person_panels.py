"""One person in a row of panels: the image, the labels, and every model's predictions."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from pipeline.datasets.draw import cut_out, draw_crop, square_around
from pipeline.geometry import apply
from student.evaluation.figures.lettering import strip
from student.evaluation.metrics.pck import MET, MISSED
from student.evaluation.predictions import JOINT_SCORE_THRESHOLD
from student.evaluation.split_evaluation import SplitEvaluation

IMAGE, LABELS = "image", "labels"
ROW_WIDTH = 1800
"""Pixels, about: panels are as wide as fit, within `SIDES`."""
SIDES = (150, 280)
TITLE_HEIGHT = 24
GAP = 4
INK, PAPER = (30, 30, 30), (255, 255, 255)
_TITLE, _STUDENTS_TITLE, _EMPTY = (225, 225, 225), (150, 220, 255), (240, 240, 240)
_MISS = (210, 0, 255)


@dataclass(frozen=True)
class Columns:
    """Who stands in every row: the image, the labels, teachers, other students, the first student."""

    teachers: tuple[str, ...]
    students: tuple[str, ...]

    @property
    def models(self) -> tuple[str, ...]:
        return (*self.teachers, *self.students[1:], *self.students[:1])

    @property
    def first(self) -> str:
        """Whose errors people are chosen by: the first student, or without any the first teacher."""
        return (*self.students, *self.teachers)[0]

    @property
    def side(self) -> int:
        """Pixels of a panel."""
        return int(np.clip(ROW_WIDTH // (len(self.models) + 2), *SIDES))

    @property
    def width(self) -> int:
        """Pixels of a row."""
        return (len(self.models) + 2) * (self.side + GAP) - GAP


def person_row(
    split: SplitEvaluation, row: int, image_HW3: UInt8[np.ndarray, "h w 3"], columns: Columns
) -> UInt8[np.ndarray, "H W 3"]:
    """Every panel with its title; a model's title ends in the labels it meets, of those it predicts.

    A pink line leads from a joint that misses its label to the label. A joint scored below 0.2 is a ring, and
    so is a label of an occluded joint.
    """
    person = _Person(split, row, image_HW3, columns.side)
    panels = [
        _panel(person.boxed(), strip(columns.side, TITLE_HEIGHT, IMAGE, INK, _TITLE)),
        _panel(person.labels(), strip(columns.side, TITLE_HEIGHT, LABELS, INK, _TITLE)),
    ]
    for model in columns.models:
        colour = _STUDENTS_TITLE if model in columns.students[:1] else _TITLE
        title = strip(columns.side, TITLE_HEIGHT, model, INK, colour, right=person.score(model))
        panels.append(_panel(person.result(model), title))
    gap = np.full((len(panels[0]), GAP, 3), PAPER, np.uint8)
    return np.hstack([part for panel in panels for part in (gap, panel)][1:])


def _panel(
    picture: UInt8[np.ndarray, "side side 3"] | None, title: UInt8[np.ndarray, "h side 3"]
) -> UInt8[np.ndarray, "H side 3"]:
    """A title over a picture, or over an empty place."""
    side = title.shape[1]
    return np.vstack([title, np.full((side, side, 3), _EMPTY, np.uint8) if picture is None else picture])


class _Person:
    """One person, drawn in a square of `side` pixels around its box."""

    def __init__(
        self, split: SplitEvaluation, row: int, image_HW3: UInt8[np.ndarray, "h w 3"], side: int
    ) -> None:
        self._split = split
        self._row = row
        self._side = side
        bbox = split.table.bbox[row]
        self._affine_23 = square_around(bbox, side)
        # A square several times larger, averaged down: interpolation alone makes large images grainy.
        times = max(1, round(1 / self._affine_23[0, 0]))
        large = cut_out(image_HW3, bbox, side * times)
        self.background = cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA)

    def boxed(self) -> UInt8[np.ndarray, "side side 3"]:
        """The image, with the box that says who of several people is meant."""
        bbox = self._split.table.bbox[self._row]
        corner_12 = apply(self._affine_23, bbox[None, :2])
        box = np.concatenate([corner_12[0], bbox[2:] * self._affine_23[0, 0]])
        joints = self._split.convention.num_joints
        nowhere_K2, unseen_K = np.zeros((joints, 2)), np.zeros(joints, np.uint8)
        return draw_crop(self.background, nowhere_K2, unseen_K, self._split.convention, box, thickness=1)

    def labels(self) -> UInt8[np.ndarray, "side side 3"] | None:
        """None where no person has labels."""
        table = self._split.table
        if not table.labelled.any():
            return None
        return self._drawn(table.keypoints[self._row], table.visibility[self._row])

    def result(self, model: str) -> UInt8[np.ndarray, "side side 3"] | None:
        """None where the model has no answer for this split."""
        if model not in self._split.results:
            return None
        predictions = self._split.ordered[model]
        seen_K = np.where(predictions.scores[self._row] > JOINT_SCORE_THRESHOLD, 2, 1)
        visibility_K = np.where(predictions.predicted, seen_K, 0).astype(np.uint8)
        keypoints_K2 = predictions.keypoints[self._row]
        picture = self._drawn(keypoints_K2, visibility_K)
        self._draw_misses(picture, keypoints_K2, self._verdicts(model))
        return picture

    def score(self, model: str) -> str:
        """Labels met of labels that count, where the model predicts the joint."""
        verdict_K = self._verdicts(model)
        counted = int((verdict_K >= MISSED).sum())
        return f"{(verdict_K == MET).sum()}/{counted}" if counted else ""

    def _verdicts(self, model: str) -> UInt8[np.ndarray, "k"]:
        scores = self._split.scores.get(model)
        if scores is None or scores.torso is None:
            return np.zeros(self._split.convention.num_joints, np.uint8)
        return scores.torso.verdict_NK[self._row]

    def _drawn(
        self, keypoints_K2: Float32[np.ndarray, "k 2"], visibility_K: UInt8[np.ndarray, "k"]
    ) -> UInt8[np.ndarray, "side side 3"]:
        places_K2 = apply(self._affine_23, keypoints_K2)
        thickness = max(1, self._side // 110)
        return draw_crop(
            self.background, places_K2, visibility_K, self._split.convention, thickness=thickness
        )

    def _draw_misses(
        self,
        picture: UInt8[np.ndarray, "side side 3"],
        keypoints_K2: Float32[np.ndarray, "k 2"],
        verdict_K: UInt8[np.ndarray, "k"],
    ) -> None:
        labels_K2 = self._split.table.keypoints[self._row]
        for joint in np.flatnonzero(verdict_K == MISSED):
            ends_22 = apply(self._affine_23, np.stack([keypoints_K2[joint], labels_K2[joint]]))
            # OpenCV's coordinates have 16 bits
            (x1, y1), (x2, y2) = ends_22.round().clip(-(2**14), 2**14).astype(int).tolist()
            cv2.line(picture, (x1, y1), (x2, y2), _MISS, 1, cv2.LINE_AA)
