"""RTMPose's head.

Must equal mmpose/models/heads/coord_cls_heads/rtmcc_head.py as the RTMPose configs set it up, weights named
alike.

Legend: B crops, C channels, U union joints, H and W rows and columns, D hidden values, X and Y bins.
"""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from pipeline.errors import KDError
from pipeline.geometry import MapGeometry
from pipeline.params import StudentParams
from student.network.backbones.backbone import Backbone
from student.network.heads.gated_attention import GatedAttention, ScaleNorm
from student.network.heads.head import Head, cells_of

HIDDEN = 256
KERNEL = 7
SHARPNESS = 10.0
"""RTMPose's vectors are trained as softmaxes at this factor (`beta` of MMPose's KLDiscretLoss). With it in
the network, a checkpoint starts from the distributions it was trained to give."""


class RTMCCHead(Head):
    """A map per joint, flattened to a vector; the vectors, having attended to each other, give the bins.

    Jiang et al., RTMPose, arXiv 2303.07399.
    """

    joint_layer: ClassVar[str] = "final_layer"
    joints_attend: ClassVar[bool] = True

    @classmethod
    def map_of(cls, params: StudentParams) -> MapGeometry:
        """Bin i is input pixel i / ratio (mmpose/codecs/simcc_label.py): bins start at the centre of the
        first pixel, as the checkpoints were trained.

        Raises:
            KDError: bins that do not mirror onto bins.
        """
        ratio = params.simcc_split_ratio
        if not ratio.is_integer():
            raise KDError(
                f"student.simcc_split_ratio is {ratio:g}, but the head rtmcc needs a whole number: bin i of "
                "a mirrored crop is bin ratio * (width - 1) - i of the crop. RTMPose's own ratio is 2."
            )
        size = (round(params.input_size[0] * ratio), round(params.input_size[1] * ratio))
        return MapGeometry("simcc", size, (1 / ratio, 1 / ratio))

    @classmethod
    def of(
        cls, geometry: MapGeometry, input_size: tuple[int, int], backbone: Backbone, width: int, joints: int
    ) -> Head:
        """Its hidden layers have RTMPose's width, whatever `width` is."""
        return cls(backbone.channels, joints, cells_of(input_size, backbone.stride), geometry.size)

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
