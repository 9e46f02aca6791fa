"""SimCC's head (Li et al., ECCV 2022).

Legend: B crops, C channels, U union joints, H and W rows and columns, P positions.
"""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from pipeline.geometry import MapGeometry
from pipeline.params import StudentParams
from student.network.backbones.backbone import Backbone
from student.network.config import half_pixel_map
from student.network.heads.head import Head, cells_of
from student.network.heads.upsampling import doublings_between, upsampling

STRIDE = 8
"""Enough positions to tell bins apart even for a crop of 96 x 128: 192."""


class SimCCHead(Head):
    """One logit vector per axis and joint: maps, flattened, then linear."""

    joint_layer: ClassVar[str] = "projection"
    joints_attend: ClassVar[bool] = False

    @classmethod
    def map_of(cls, params: StudentParams) -> MapGeometry:
        return half_pixel_map("simcc", params.input_size, 1 / params.simcc_split_ratio)

    @classmethod
    def of(
        cls, geometry: MapGeometry, input_size: tuple[int, int], backbone: Backbone, width: int, joints: int
    ) -> Head:
        doublings = doublings_between(backbone.stride, STRIDE)
        return cls(backbone.channels, width, joints, doublings, cells_of(input_size, STRIDE), geometry.size)

    def __init__(
        self, channels: int, width: int, joints: int, doublings: int, cells: int, bins: tuple[int, int]
    ) -> None:
        """`cells`: positions of the upsampled feature map; `bins`: along x and along y."""
        super().__init__()
        self.upsampling = upsampling(channels, width, doublings)
        self.projection = nn.Conv2d(width, joints, kernel_size=1)
        self.to_x = nn.Linear(cells, bins[0])
        self.to_y = nn.Linear(cells, bins[1])

    def forward(
        self, feature_BCHW: Float[Tensor, "b c h w"]
    ) -> tuple[Float[Tensor, "b u binsx"], Float[Tensor, "b u binsy"]]:
        cells_BUP = self.projection(self.upsampling(feature_BCHW)).flatten(-2)
        return self.to_x(cells_BUP), self.to_y(cells_BUP)
