"""A teacher made of a network and what is known about its crops and maps; whichever file it came from.

Legend: B crops, K joints, H and W rows and columns.
"""

from dataclasses import asdict, dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from pipeline.conventions.convention import Convention
from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.teachers.flip import mean, unflip
from pipeline.teachers.maps import HeatmapOutput, Maps, TeacherOutput
from pipeline.teachers.normalise import Normalisation
from pipeline.teachers.reduce import reduce_heatmaps, reduction_drift


@runtime_checkable
class Network(Protocol):
    """Crops to maps, and maps to joints."""

    def __call__(self, images_BHW3: UInt8[Tensor, "B H W 3"]) -> Maps:
        """Maps as the network makes them, of BGR crops, on the network's device."""
        ...

    def decode(self, maps: Maps) -> tuple[Float32[np.ndarray, "B K 2"], Float32[np.ndarray, "B K"]]:
        """Joints in input pixels of the crop affine, and their scores."""
        ...


@dataclass(frozen=True)
class Origin:
    """Where a teacher came from.

    The config's hash is of those parts that answers depend on; an adapter's version rises whenever the same
    files would give another answer.
    """

    adapter: str
    adapter_version: int
    checkpoint_sha256: str
    config_sha256: str
    external_data_sha256: str | None = None
    """Of files besides the checkpoint that weights are in; None where there are none."""


@dataclass(frozen=True)
class TopDownTeacher:
    """See `pipeline.teachers.teacher.Teacher`, which this is.

    `made` is the geometry of the network's own maps, `map` of the stored ones. `own_mirror` relates the cells
    of a crop and its mirror image (`pipeline.teachers.flip.unflip`) as the network's own flip test does, from
    which keypoints are decoded. Where that is off, as MMPose's is by up to a cell, the mean it gives is
    moved; maps are averaged about the true axis, so that they lie where the network sees joints.
    """

    name: str
    network: Network
    convention: Convention
    crop: CropGeometry
    made: MapGeometry
    map: MapGeometry
    own_mirror: float
    flip_test: bool
    beta: float | None
    normalisation: Normalisation
    origin: Origin

    @property
    def mirror(self) -> float:
        """Cell i of a crop's map shows what cell `mirror` - i of the mirrored crop's shows."""
        return self.made.mirror(self.crop.input_size[0])

    @property
    def provenance(self) -> dict[str, Any]:
        normalisation = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self.normalisation).items()
        }
        return {
            **{name: value for name, value in asdict(self.origin).items() if value is not None},
            "joints": list(self.convention.joints),
            "crop": {**asdict(self.crop), "input_size": list(self.crop.input_size)},
            "normalisation": normalisation,
            "map_made": self.made.as_dict(),
            "map": self.map.as_dict(),
            "beta": self.beta,
            "flip_test": self.flip_test,
            "flip_permutation": list(self.convention.flip_permutation) if self.flip_test else None,
            "mirror": self.mirror if self.flip_test else None,
        }

    @torch.inference_mode()
    def predict(self, images_BHW3: UInt8[Tensor, "B H W 3"]) -> TeacherOutput:
        maps, own = self._made_maps(images_BHW3)
        keypoints_BK2, confidence_BK = self.network.decode(own)
        if isinstance(maps, HeatmapOutput):
            maps = HeatmapOutput(reduce_heatmaps(maps.heatmap_BKHW, self.map.size))
        return TeacherOutput(maps, keypoints_BK2, confidence_BK)

    @torch.inference_mode()
    def storage_fidelity(self, images_BHW3: UInt8[Tensor, "B H W 3"]) -> dict[str, float] | None:
        if self.map == self.made:
            return None
        maps, _ = self._made_maps(images_BHW3)
        return reduction_drift(maps.heatmap_BKHW, self.made, self.map)

    def _made_maps(self, images_BHW3: UInt8[Tensor, "B H W 3"]) -> tuple[Maps, Maps]:
        """Maps as they are stored, and as the network's own keypoints are decoded from."""
        maps = self.network(images_BHW3)
        if not self.flip_test:
            return maps, maps
        mirrored = self.network(images_BHW3.flip(2))
        permutation = self.convention.flip_permutation
        own = mean(maps, unflip(mirrored, permutation, self.own_mirror))
        if self.own_mirror == self.mirror:
            return own, own
        return mean(maps, unflip(mirrored, permutation, self.mirror)), own
