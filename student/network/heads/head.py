"""What every head is to a student: a feature map in, logits over a map's positions out.

Legend: B crops, C channels, U union joints.
"""

from abc import abstractmethod
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from pipeline.geometry import MapGeometry
from pipeline.params import StudentParams
from student.network.backbones.backbone import Backbone
from student.network.positions import Positions


class Head(nn.Module):
    """`joint_layer` names the layer whose outputs are one per joint; nothing else depends on the joints.
    `joints_attend` says whether what is made of one joint's output depends on the others'."""

    joint_layer: ClassVar[str]
    joints_attend: ClassVar[bool]

    @classmethod
    @abstractmethod
    def map_of(cls, params: StudentParams) -> MapGeometry:
        """Where its positions lie.

        Raises:
            KDError: a setting of `student` that this head cannot have.
        """

    @classmethod
    @abstractmethod
    def of(
        cls, geometry: MapGeometry, input_size: tuple[int, int], backbone: Backbone, width: int, joints: int
    ) -> "Head":
        """With fresh weights, for a map of this geometry; `input_size` is (width, height) of the crop."""

    @abstractmethod
    def forward(self, feature_BCHW: Float[Tensor, "b c h w"]) -> Positions:
        """Logits of every union joint."""


def cells_of(input_size: tuple[int, int], stride: int) -> int:
    """Positions of a map of this stride."""
    return (input_size[0] // stride) * (input_size[1] // stride)
