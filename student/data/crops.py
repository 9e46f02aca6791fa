"""One augmented crop with its labels.

Legend: K the dataset's joints, U union joints, H and W rows and columns of the crop.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64, UInt8

from pipeline.datasets.indexed_images import IndexedImages
from pipeline.geometry import apply, warp_crop
from pipeline.params import AugmentParams
from student.calibration.offsets import frame_vectors
from student.data.appearance import changed_appearance
from student.data.augment import (
    Augmentation,
    augmented_affine,
    draw_augmentation,
    draw_stored_view,
    mirrored_at_random,
)
from student.data.split import TrainingSplit
from student.network.config import StudentConfig
from student.targets.teacher_spec import body_frame
from student.targets.union_labels import UnionLabels, inside_crop


@dataclass(frozen=True)
class TrainingCrop:
    """A crop as the student sees it: BGR, keypoints in input pixels, image pixels -> input pixels; the
    number of the stored view that it shows (0: a view of its own); the patch that is hidden, in input
    pixels; and the square root of the person's area there."""

    image_HW3: UInt8[np.ndarray, "h w 3"]
    keypoint_U2: Float32[np.ndarray, "u 2"]
    weight_U: Float32[np.ndarray, " u"]
    flipped: bool
    affine_23: Float64[np.ndarray, "2 3"]
    view: int
    dropped_4: Float32[np.ndarray, "4"]
    body: float


class CropMaker:
    """Reads, augments and labels crops of one split."""

    def __init__(
        self,
        split: TrainingSplit,
        student: StudentConfig,
        occluded_weight: float = 1.0,
        offset_U2: Float32[np.ndarray, "u 2"] | None = None,
    ) -> None:
        """`offset_U2`: how far each union joint lies from the dataset's own
        (`student.calibration.offsets`)."""
        self._split = split
        self._student = student
        self._labels = UnionLabels(split.relations, student.skeleton.num_joints, occluded_weight)
        self._offset_U2 = offset_U2
        self._frame = body_frame(student.skeleton.joints)
        self._images = IndexedImages(split.table)
        self._swap_U: Int64[np.ndarray, " u"] = np.array(student.skeleton.flip_permutation)

    def make(self, row: int, augment: AugmentParams, rng: np.random.Generator) -> TrainingCrop:
        """The crop of one row of the table; equal generators give equal crops.

        Raises:
            KDError: its image is missing, unreadable or not the one that was indexed.
        """
        table, crop = self._split.table, self._student.crop
        number = draw_stored_view(rng, augment, self._split.num_views)
        if number:
            augmentation = Augmentation(mirrored_at_random(rng, augment, self._split.view(row, number)))
        else:
            augmentation = draw_augmentation(rng, augment, crop.padding)
        keypoint_U2, weight_U = self._labels(table.keypoints[row], table.visibility[row])
        keypoint_U2 = self._moved(keypoint_U2, weight_U)
        affine_23 = augmented_affine(
            table.bbox[row], crop, augmentation, self._student.skeleton.joints, keypoint_U2, weight_U, rng
        )
        image_HW3 = warp_crop(self._images.read(row), affine_23, crop.input_size)
        keypoint_U2 = apply(affine_23, keypoint_U2).astype(np.float32)
        weight_U = weight_U * inside_crop(keypoint_U2, crop.input_size)
        order_U = self._swap_U if augmentation.view.flip else slice(None)
        image_HW3, dropped_4 = changed_appearance(image_HW3, augment, rng)
        return TrainingCrop(
            image_HW3=image_HW3,
            keypoint_U2=keypoint_U2[order_U],
            weight_U=weight_U[order_U],
            flipped=augmentation.view.flip,
            affine_23=affine_23,
            view=number,
            dropped_4=dropped_4,
            body=float(np.sqrt(table.area[row] * np.abs(np.linalg.det(affine_23[:, :2])))),
        )

    def _moved(
        self, keypoint_U2: Float32[np.ndarray, "u 2"], weight_U: Float32[np.ndarray, " u"]
    ) -> Float32[np.ndarray, "u 2"]:
        """Labels where the union has its joints; as they are where shoulders or hips are not labelled."""
        if self._offset_U2 is None or self._frame is None or not weight_U[list(self._frame)].all():
            return keypoint_U2
        vectors = frame_vectors(torch.from_numpy(keypoint_U2[None].astype(np.float32)), self._frame)
        return keypoint_U2 + self._offset_U2 @ torch.cat(vectors).numpy()
