"""MMPose's top-down networks as they infer.

Legend: B crops, K joints, H and W rows and columns.
"""

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor, nn

from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.teachers.decode import decode_heatmaps
from pipeline.teachers.forward_passes import FORWARD_PASSES
from pipeline.teachers.maps import HeatmapOutput, Maps, SimCCOutput
from pipeline.teachers.normalise import Normalisation

Joints = tuple[Float32[np.ndarray, "B K 2"], Float32[np.ndarray, "B K"]]
"""Keypoints in input pixels of the crop affine, and scores."""


class MMPoseNetwork:
    """A TopdownPoseEstimator with weights, in eval mode, on its device."""

    def __init__(
        self,
        model: nn.Module,
        normalisation: Normalisation,
        crop: CropGeometry,
        made: MapGeometry,
        device: torch.device,
    ) -> None:
        self._model = model.to(device)
        self._normalisation = normalisation
        self._made = made
        self._device = device
        self._decoded_to_input = _decoded_to_input(crop)

    def __call__(self, images_BHW3: UInt8[Tensor, "B H W 3"]) -> Maps:
        FORWARD_PASSES.add(len(images_BHW3))
        inputs_B3HW = self._normalisation(images_BHW3.to(self._device))
        answer = self._model.head.forward(self._model.extract_feat(inputs_B3HW))
        if isinstance(answer, tuple):
            return SimCCOutput(*(vector.float() for vector in answer))
        last_stage = answer[-1] if isinstance(answer, list) else answer
        return HeatmapOutput(last_stage.float())

    def decode(self, maps: Maps) -> Joints:
        """As MMPose's own decoder reads them.

        Its Newton step divides by zero on a map that is flat around its peak; such a crop, which must not
        end a run over thousands, gets its highest cells.
        """
        try:
            return self._decoded(maps)
        except np.linalg.LinAlgError:
            tensors = vars(maps).values()
            crops = [type(maps)(*alone) for alone in zip(*(t.split(1) for t in tensors), strict=True)]
        if len(crops) == 1:
            return self._highest(maps)
        keypoints, confidences = zip(*(self.decode(crop) for crop in crops), strict=True)
        return np.concatenate(keypoints), np.concatenate(confidences)

    def _decoded(self, maps: Maps) -> Joints:
        tensors = tuple(vars(maps).values())
        people = self._model.head.decode(tensors[0] if len(tensors) == 1 else tensors)
        keypoints_BK2 = np.concatenate([person.keypoints for person in people])
        confidence_BK = np.concatenate([person.keypoint_scores for person in people])
        return (keypoints_BK2 * self._decoded_to_input).astype(np.float32), confidence_BK.astype(np.float32)

    def _highest(self, maps: HeatmapOutput) -> Joints:
        cells_BK2, peak_BK = decode_heatmaps(maps.heatmap_BKHW)
        keypoints_BK2 = self._made.to_input(cells_BK2.cpu().double().numpy())
        return keypoints_BK2.astype(np.float32), peak_BK.cpu().numpy()


def _decoded_to_input(crop: CropGeometry) -> Float32[np.ndarray, "2"] | float:
    """Factor from the pixels MMPose decodes to, to input pixels of the crop affine.

    MMPose takes decoded points to the image as point / size * box, whatever the crop; with UDP the crop
    affine is point / (size - 1) * box (mmpose/models/pose_estimators/topdown.py, `add_pred_to_datasample`).
    """
    size = np.array(crop.input_size, dtype=np.float32)
    return (size - 1) / size if crop.udp else 1.0
