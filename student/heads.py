"""What turns backbone features into logits over positions.

Legend: B crops, C channels, U union joints, H and W rows and columns, P positions.
"""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from pipeline.geometry import MapGeometry
from student.backbone import STRIDE

HEATMAP_DECONVOLUTIONS = 3
"""Three doublings: from the backbone's stride 32 to a heatmap of stride 4."""
SIMCC_DECONVOLUTIONS = 2
"""Enough positions to tell bins apart even for a crop of 96 x 128: 192 at stride 8."""


def upsampling(channels: int, width: int, doublings: int) -> nn.Sequential:
    """Deconvolutions 4 x 4 of stride 2, `width` channels each (SimpleBaseline, Xiao et al., ECCV 2018)."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise([channels] + [width] * doublings):
        layers += [
            nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    for layer in layers:
        if isinstance(layer, nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=0.01)
    return nn.Sequential(*layers)


def joint_projection(width: int, joints: int) -> nn.Conv2d:
    """One map per joint; near-zero weights, so that training starts from uniform distributions."""
    projection = nn.Conv2d(width, joints, kernel_size=1)
    nn.init.normal_(projection.weight, std=0.01)
    nn.init.zeros_(projection.bias)
    return projection


class HeatmapHead(nn.Module):
    """SimpleBaseline's head; its output is read as logits over cells, not as heatmap values."""

    def __init__(self, channels: int, width: int, joints: int) -> None:
        super().__init__()
        self.upsampling = upsampling(channels, width, HEATMAP_DECONVOLUTIONS)
        self.projection = joint_projection(width, joints)

    def forward(self, feature_BCHW: Float[Tensor, "b c h w"]) -> tuple[Float[Tensor, "b u p"]]:
        return (self.projection(self.upsampling(feature_BCHW)).flatten(-2),)


class SimCCHead(nn.Module):
    """One logit vector per axis and joint (SimCC, Li et al., ECCV 2022): maps, flattened, then linear."""

    def __init__(self, channels: int, width: int, joints: int, cells: int, bins: tuple[int, int]) -> None:
        """`cells`: positions of the upsampled feature map; `bins`: along x and along y."""
        super().__init__()
        self.upsampling = upsampling(channels, width, SIMCC_DECONVOLUTIONS)
        self.projection = nn.Conv2d(width, joints, kernel_size=1)
        self.to_x = nn.Linear(cells, bins[0])
        self.to_y = nn.Linear(cells, bins[1])

    def forward(
        self, feature_BCHW: Float[Tensor, "b c h w"]
    ) -> tuple[Float[Tensor, "b u binsx"], Float[Tensor, "b u binsy"]]:
        cells_BUP = self.projection(self.upsampling(feature_BCHW)).flatten(-2)
        return self.to_x(cells_BUP), self.to_y(cells_BUP)


def build_head(
    geometry: MapGeometry, input_size: tuple[int, int], channels: int, width: int, joints: int
) -> nn.Module:
    """The head whose output is a map of this geometry; `input_size` is (width, height) of the crop."""
    if geometry.kind == "heatmap":
        return HeatmapHead(channels, width, joints)
    columns, rows = (side // STRIDE * 2**SIMCC_DECONVOLUTIONS for side in input_size)
    return SimCCHead(channels, width, joints, columns * rows, geometry.size)
