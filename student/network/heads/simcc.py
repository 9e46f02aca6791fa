"""SimCC's head (Li et al., ECCV 2022).

Legend: B crops, C channels, U union joints, H and W rows and columns, P positions.
"""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from student.network.heads.upsampling import upsampling


class SimCCHead(nn.Module):
    """One logit vector per axis and joint: maps, flattened, then linear."""

    joint_layer: ClassVar[str] = "projection"
    joints_attend: ClassVar[bool] = False

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
