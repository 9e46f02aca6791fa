"""A pretrained top-down pose network, as extraction sees it.

Legend: B crops, K joints, H and W rows and columns.
"""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from jaxtyping import UInt8
from torch import Tensor

from pipeline.conventions.convention import Convention
from pipeline.geometry import CropGeometry, MapGeometry
from pipeline.teachers.maps import TeacherOutput


@runtime_checkable
class Teacher(Protocol):
    """Predicts joints of crops, always in eval mode and with frozen statistics.

    Attributes:
        convention: joints in the order of the maps.
        crop: how this teacher's crops are cut out of the image.
        map: geometry of the maps in `predict`, that is, as they are stored.
        flip_test: whether an answer is the mean of the crop's and its un-mirrored mirror image's.
        beta: sharpness of the softmax in a SimCC teacher's training loss; None for heatmaps.
        provenance: everything the answers depend on, as JSON; no paths, no device.
    """

    name: str
    convention: Convention
    crop: CropGeometry
    map: MapGeometry
    flip_test: bool
    beta: float | None
    provenance: Mapping[str, Any]

    def predict(self, images_BHW3: UInt8[Tensor, "B H W 3"]) -> TeacherOutput:
        """Maps and joints of a batch of BGR crops of the size `crop.input_size`, on any device."""
        ...

    def storage_fidelity(self, images_BHW3: UInt8[Tensor, "B H W 3"]) -> dict[str, float] | None:
        """What storing smaller maps costs, measured on these crops; None where maps are stored as made.

        Keys: `joints` measured and, if any were, `drift_p50_px` and `drift_p99_px`: how far a decoded joint
        moves, in input pixels.
        """
        ...
