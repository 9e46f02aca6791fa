"""SimpleBaseline's head (Xiao et al., ECCV 2018).

Legend: B crops, C channels, U union joints, H and W rows and columns, P positions.
"""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from pipeline.geometry import MapGeometry
from pipeline.params import StudentParams
from student.network.backbones.backbone import Backbone
from student.network.config import HEATMAP_STRIDE, half_pixel_map
from student.network.heads.head import Head
from student.network.heads.upsampling import doublings_between, upsampling


class HeatmapHead(Head):
    """SimpleBaseline's head; its output is read as logits over cells, not as heatmap values."""

    joint_layer: ClassVar[str] = "projection"
    joints_attend: ClassVar[bool] = False

    @classmethod
    def map_of(cls, params: StudentParams) -> MapGeometry:
        return half_pixel_map("heatmap", params.input_size, float(HEATMAP_STRIDE))

    @classmethod
    def of(
        cls, geometry: MapGeometry, input_size: tuple[int, int], backbone: Backbone, width: int, joints: int
    ) -> Head:
        doublings = doublings_between(backbone.stride, HEATMAP_STRIDE)
        return cls(backbone.channels, width, joints, doublings)

    def __init__(self, channels: int, width: int, joints: int, doublings: int) -> None:
        super().__init__()
        self.upsampling = upsampling(channels, width, doublings)
        self.projection = joint_projection(width, joints)

    def forward(self, feature_BCHW: Float[Tensor, "b c h w"]) -> tuple[Float[Tensor, "b u p"]]:
        return (self.projection(self.upsampling(feature_BCHW)).flatten(-2),)


def joint_projection(width: int, joints: int) -> nn.Conv2d:
    """One map per joint; near-zero weights, so that training starts from uniform distributions."""
    projection = nn.Conv2d(width, joints, kernel_size=1)
    nn.init.normal_(projection.weight, std=0.01)
    nn.init.zeros_(projection.bias)
    return projection
