"""Small crop tables, labelled by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.conventions.convention import Convention
from pipeline.datasets.crop_table import CropTable
from student.evaluation.predictions import Predictions


@pytest.fixture
def body() -> Convention:
    """Six joints: a torso's corners, one wrist, and a nose; sigmas easy to calculate with."""
    return Convention(
        name="body6",
        joints=("left_shoulder", "right_shoulder", "left_hip", "right_hip", "wrist", "nose"),
        flip_pairs=(("left_shoulder", "right_shoulder"), ("left_hip", "right_hip")),
        sigmas=(0.05, 0.05, 0.05, 0.05, 0.05, 0.1),
        joint_weights=(1.0,) * 6,
        limbs=(("left_shoulder", "left_hip"), ("right_shoulder", "right_hip")),
        head_segment=("nose", "left_shoulder"),
    )


MakeTable = Callable[..., CropTable]


@pytest.fixture
def make_table(tmp_path: Path) -> MakeTable:
    """A crop table from labels: keypoints (N, K, 2), visibility (N, K); each person in its own image."""

    def make(keypoints, visibility=None, image_id=None, area=None, iscrowd=None, box_score=None) -> CropTable:
        keypoints = np.asarray(keypoints, np.float32)
        n, k = keypoints.shape[:2]
        visibility = np.full((n, k), 2) if visibility is None else np.asarray(visibility)
        image_id = np.arange(n) if image_id is None else np.asarray(image_id)
        low, high = keypoints.min(axis=1), keypoints.max(axis=1)
        return CropTable(
            dataset="toy",
            convention="body6",
            images_root=tmp_path,
            crop_id=np.arange(n, dtype=np.int64) + 100,
            image=[f"{i}.png" for i in image_id],
            image_sha256=["0" * 64] * n,
            image_size=np.full((n, 2), 400, np.int32),
            bbox=np.concatenate([low, high - low], axis=1).astype(np.float64),
            box_score=np.ones(n, np.float32) if box_score is None else np.asarray(box_score, np.float32),
            keypoints=keypoints,
            visibility=visibility.astype(np.uint8),
            area=np.full(n, 10000.0) if area is None else np.asarray(area, np.float64),
            annotation_id=np.arange(n, dtype=np.int64),
            image_id=image_id.astype(np.int64),
            iscrowd=np.zeros(n, bool) if iscrowd is None else np.asarray(iscrowd),
            labelled=(visibility > 0).any(axis=1),
        )

    return make


@pytest.fixture
def result() -> Callable[..., Predictions]:
    """Predictions for a table: its labels plus `offset` (broadcast); joints `without` are not predicted."""

    def make(table: CropTable, offset=0.0, scores=0.9, without=()) -> Predictions:
        keypoints = (table.keypoints + np.asarray(offset)).astype(np.float32)
        n, k = keypoints.shape[:2]
        score_NK = np.broadcast_to(np.asarray(scores, np.float32), (n, k)).copy()
        predicted = np.ones(k, bool)
        predicted[list(without)] = False
        keypoints[:, ~predicted], score_NK[:, ~predicted] = np.nan, 0
        return Predictions(table.crop_id, keypoints, score_NK, predicted)

    return make


@pytest.fixture
def person() -> np.ndarray:
    """A body6 person: the torso is a rectangle, both its diagonals are 50 px; the head segment is 20 px."""
    return np.array([[60, 40], [30, 40], [60, 80], [30, 80], [90, 60], [60, 20]], np.float32)
