"""Running a student on person crops.

Legend: B crops, N people, U union joints, H and W rows and columns of an image or crop.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64, UInt8
from torch import Tensor
from torch.utils.data import Dataset

from pipeline.datasets.crop_table import CropTable
from pipeline.datasets.indexed_images import IndexedImages
from pipeline.geometry import CropGeometry, apply, crop_affine, invert, warp_crop
from student.data.loader import BatchLoader
from student.network.decode import decode
from student.network.pose_student import PoseStudent
from student.network.positions import mean_log_probability, mirrored


@dataclass(frozen=True)
class UnionPredictions:
    """Union joints of N people, in the order they were asked for: image pixels, and scores in 0..1."""

    keypoints_NU2: Float32[np.ndarray, "n u 2"]
    scores_NU: Float32[np.ndarray, "n u"]
    crop_id: Int64[np.ndarray, " n"]


@dataclass(frozen=True)
class InferenceBatch:
    """BGR crops, and where they lie: image pixels -> input pixels."""

    image_BHW3: UInt8[Tensor, "b h w 3"]
    affine_B23: Float64[np.ndarray, "b 2 3"]

    def pin_memory(self) -> "InferenceBatch":
        """Called by the DataLoader for a CUDA device."""
        return InferenceBatch(self.image_BHW3.pin_memory(), self.affine_B23)


class Predictor:
    """A student on a device, in eval mode.

    `flip_test` averages its prediction with the un-mirrored one of the mirrored crop.
    """

    def __init__(self, student: PoseStudent, device: torch.device, flip_test: bool = True) -> None:
        self.student = student.to(device).eval()
        self.device = device
        self.flip_test = flip_test

    @property
    def crop(self) -> CropGeometry:
        return self.student.config.crop

    def predict_table(self, table: CropTable, batch_size: int, workers: int = 0) -> UnionPredictions:
        """Every crop of the table. Memory holds a few batches of images, and the predictions.

        Raises:
            KDError: an image is missing, unreadable or not the one that was indexed.
        """
        starts = range(0, len(table), batch_size)
        loader = BatchLoader(_TableCrops(table, self.crop, batch_size), starts, workers, self.device)
        return self._collect(loader, table.crop_id)

    def predict_image(
        self, image_HW3: UInt8[np.ndarray, "h w 3"], boxes_N4: Float64[np.ndarray, "n 4"]
    ) -> UnionPredictions:
        """The people in boxes (x, y, width, height in image pixels) of one BGR image; ids count from 0."""
        affine_N23 = crop_affine(boxes_N4, self.crop)
        crops = [warp_crop(image_HW3, affine_23, self.crop.input_size) for affine_23 in affine_N23]
        batches = [InferenceBatch(torch.from_numpy(np.stack(crops)), affine_N23)] if crops else []
        return self._collect(batches, np.arange(len(boxes_N4), dtype=np.int64))

    @torch.inference_mode()
    def predict_crops(
        self, image_BHW3: UInt8[Tensor, "b h w 3"]
    ) -> tuple[Float32[np.ndarray, "b u 2"], Float32[np.ndarray, "b u"]]:
        """Keypoints in input pixels, and scores, of BGR crops of the student's input size.

        Scores are probabilities where the student has a `ScoreCalibration`.
        """
        config = self.student.config
        image_B3HW = self.student.normalise(image_BHW3.to(self.device))
        logits = self.student(image_B3HW)
        if self.flip_test:
            answer = self.student(image_B3HW.flip(-1))
            permutation = config.skeleton.flip_permutation
            unflipped = mirrored(answer, config.map, config.crop.input_size[0], permutation)
            logits = mean_log_probability(logits, unflipped)
        keypoint_BU2, decoded_BU = decode(logits, config.map, config.target_sigma)
        score_BU = decoded_BU.cpu().numpy()
        if config.score_calibration is not None:
            score_BU = config.score_calibration.probability(score_BU, config.skeleton.joints)
        return keypoint_BU2.cpu().numpy(), score_BU

    def _collect(
        self, batches: Iterable[InferenceBatch], crop_id: Int64[np.ndarray, " n"]
    ) -> UnionPredictions:
        joints = self.student.config.skeleton.num_joints
        keypoints, scores = [np.zeros((0, joints, 2), np.float32)], [np.zeros((0, joints), np.float32)]
        for batch in batches:
            keypoint_BU2, score_BU = self.predict_crops(batch.image_BHW3)
            keypoints.append(apply(invert(batch.affine_B23), keypoint_BU2).astype(np.float32))
            scores.append(score_BU)
        return UnionPredictions(np.concatenate(keypoints), np.concatenate(scores), crop_id)


class _TableCrops(Dataset[InferenceBatch]):
    """Crops of a table, not augmented, a batch by its first row."""

    def __init__(self, table: CropTable, crop: CropGeometry, batch_size: int) -> None:
        self._table = table
        self._images = IndexedImages(table)
        self._crop = crop
        self._batch_size = batch_size

    def __getitem__(self, start: int) -> InferenceBatch:
        rows = range(start, min(start + self._batch_size, len(self._table)))
        affine_B23 = crop_affine(self._table.bbox[start : rows.stop], self._crop)
        crops = np.empty((len(rows), *self._crop.input_size[::-1], 3), np.uint8)
        for position, row in enumerate(rows):
            crops[position] = warp_crop(self._images.read(row), affine_B23[position], self._crop.input_size)
        return InferenceBatch(torch.from_numpy(crops), affine_B23)
