"""Crops on their way into a table, a few hundred bytes each: as objects, a large dataset's fill gigabytes."""

from array import array
from typing import Any

import numpy as np
from jaxtyping import Int64

from pipeline.datasets.image_files import ImageFacts
from pipeline.datasets.refusal import Reason, Refused
from pipeline.datasets.screening import Crop


class CropRows:
    """Columns of a crop table that grow, rows in any order."""

    def __init__(self, num_joints: int) -> None:
        self._num_joints = num_joints
        self._rows: dict[int, int] = {}
        """Row by crop id."""
        self._image: list[str] = []
        self._facts: list[ImageFacts] = []
        self._ids = array("q")
        """image id, annotation id; likewise below."""
        self._score_area = array("d")
        self._crowd_labelled = bytearray()
        self._bbox, self._keypoints, self._visibility = bytearray(), bytearray(), bytearray()

    def __len__(self) -> int:
        return len(self._image)

    def add(self, crop: Crop) -> None:
        """One more row.

        Raises:
            Refused: there is one with its crop id.
        """
        person = crop.person
        if crop.crop_id in self._rows:
            raise Refused(Reason.DUPLICATE, self._same_crop(crop))
        self._rows[crop.crop_id] = len(self)
        self._image.append(crop.facts.name_on_disk or person.image.file_name)
        self._facts.append(crop.facts)
        self._ids.extend((person.image.image_id, person.annotation_id))
        self._score_area.extend((person.box_score, crop.area))
        self._crowd_labelled.extend((person.iscrowd, crop.labelled))
        self._bbox += crop.bbox.tobytes()
        self._keypoints += crop.keypoints.tobytes()
        self._visibility += crop.visibility.tobytes()

    def _same_crop(self, crop: Crop) -> str:
        """What the two share. By chance two crops collide in one dataset of some twenty million."""
        image = self._image[self._rows[crop.crop_id]]
        again = crop.facts.name_on_disk or crop.person.image.file_name
        if image != again:
            return f"its crop id {crop.crop_id} is by chance that of a person in {image}"
        return "the same person or box of this image occurs before"

    def columns(self) -> dict[str, Any]:
        """What `CropTable` has of them, in its order."""
        count, joints = len(self), self._num_joints
        crop_id_N = np.fromiter(self._rows, np.int64, count)
        ids_N2 = np.frombuffer(self._ids, np.int64).reshape(count, 2)
        score_area_N2 = np.frombuffer(self._score_area, np.float64).reshape(count, 2)
        flags_N2 = np.frombuffer(self._crowd_labelled, np.bool_).reshape(count, 2)
        order_N = self._order(crop_id_N, ids_N2, score_area_N2)
        facts = [self._facts[row] for row in order_N]
        return {
            "image": [self._image[row] for row in order_N],
            "image_sha256": [of_image.sha256 for of_image in facts],
            "image_size": np.array([of_image.size for of_image in facts], np.int32),
            "image_id": ids_N2[order_N, 0],
            "annotation_id": ids_N2[order_N, 1],
            "crop_id": crop_id_N[order_N],
            "bbox": np.frombuffer(self._bbox, np.float64).reshape(count, 4)[order_N],
            "box_score": score_area_N2[order_N, 0].astype(np.float32),
            "keypoints": np.frombuffer(self._keypoints, np.float32).reshape(count, joints, 2)[order_N],
            "visibility": np.frombuffer(self._visibility, np.uint8).reshape(count, joints)[order_N],
            "area": score_area_N2[order_N, 1],
            "iscrowd": flags_N2[order_N, 0],
            "labelled": flags_N2[order_N, 1],
        }

    def _order(
        self,
        crop_id_N: Int64[np.ndarray, "N"],
        ids_N2: Int64[np.ndarray, "N 2"],
        score_area_N2: np.ndarray,
    ) -> Int64[np.ndarray, "N"]:
        """By image, then annotation; detections, which have no id, by falling score."""
        rank = {name: number for number, name in enumerate(sorted(set(self._image)))}
        rank_N = np.fromiter((rank[name] for name in self._image), np.int64, len(self))
        return np.lexsort((crop_id_N, -score_area_N2[:, 0], ids_N2[:, 1], rank_N))
