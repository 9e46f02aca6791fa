"""RTMPose's head.

Must equal mmpose/models/heads/coord_cls_heads/rtmcc_head.py as the RTMPose configs set it up, weights named
alike.

Legend: B crops, C channels, U union joints, H and W rows and columns, D hidden values, X and Y bins.
"""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from student.network.heads.gated_attention import GatedAttention, ScaleNorm

HIDDEN = 256
KERNEL = 7
SHARPNESS = 10.0
"""RTMPose's vectors are trained as softmaxes at this factor (`beta` of MMPose's KLDiscretLoss). With it in
the network, a checkpoint starts from the distributions it was trained to give."""


class RTMCCHead(nn.Module):
    """A map per joint, flattened to a vector; the vectors, having attended to each other, give the bins.

    Jiang et al., RTMPose, arXiv 2303.07399.
    """

    joint_layer: ClassVar[str] = "final_layer"
    joints_attend: ClassVar[bool] = True

    def __init__(self, channels: int, joints: int, cells: int, bins: tuple[int, int]) -> None:
        """`cells`: positions of the feature map; `bins`: along x and along y.

        Fresh weights, drawn as MMPose draws them.
        """
        super().__init__()
        self.final_layer = nn.Conv2d(channels, joints, KERNEL, padding=KERNEL // 2)
        self.mlp = nn.Sequential(ScaleNorm(cells), nn.Linear(cells, HIDDEN, bias=False))
        self.gau = GatedAttention(HIDDEN)
        self.cls_x = nn.Linear(HIDDEN, bins[0], bias=False)
        self.cls_y = nn.Linear(HIDDEN, bins[1], bias=False)
        nn.init.normal_(self.final_layer.weight, std=0.001)
        nn.init.zeros_(self.final_layer.bias)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)

    def forward(
        self, feature_BCHW: Float[Tensor, "b c h w"]
    ) -> tuple[Float[Tensor, "b u binsx"], Float[Tensor, "b u binsy"]]:
        """Logits."""
        x_BUX, y_BUY = self.simcc(feature_BCHW)
        return x_BUX * SHARPNESS, y_BUY * SHARPNESS

    def simcc(
        self, feature_BCHW: Float[Tensor, "b c h w"]
    ) -> tuple[Float[Tensor, "b u binsx"], Float[Tensor, "b u binsy"]]:
        """MMPose's `simcc_x` and `simcc_y`."""
        joint_BUD = self.gau(self.mlp(self.final_layer(feature_BCHW).flatten(-2)))
        return self.cls_x(joint_BUD), self.cls_y(joint_BUD)
