"""The student network.

Legend: B crops, U union joints, H and W rows and columns of the crop.
"""

from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch import float32 as torch_float32

from pipeline.extensions import HEADS
from student.network.backbones.registry import build_backbone
from student.network.config import StudentConfig
from student.network.heads.head import Head
from student.network.positions import Positions


class PoseStudent(nn.Module):
    """A top-down pose network over the union skeleton: one person crop in, logits over positions out."""

    def __init__(self, config: StudentConfig) -> None:
        """Fresh weights, drawn from torch's global generator."""
        super().__init__()
        self.config = config
        self.backbone = build_backbone(config.backbone, config.output_stride)
        joints = config.skeleton.num_joints
        head: type[Head] = HEADS.load(config.head)
        self.head = head.of(config.map, config.crop.input_size, self.backbone, config.width, joints)
        self._frozen: list[nn.Module] = []

    def freeze(self, stages: int) -> None:
        """Freeze the weights and statistics of the backbone's first stages, from the stem on."""
        self._frozen = list(self.backbone.stages[:stages])
        for stage in self._frozen:
            stage.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> "PoseStudent":
        super().train(mode)
        for stage in self._frozen:
            stage.eval()
        return self

    def forward(self, image_B3HW: Float[Tensor, "b 3 h w"]) -> Positions:
        """Logits of every union joint, from RGB crops already normalised (`normalise`)."""
        return self.head(self.features(image_B3HW))

    def features(self, image_B3HW: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c hs ws"]:
        """The backbone's map, which `head` turns into logits."""
        return self.backbone(image_B3HW)

    def normalise(self, image_BHW3: UInt8[Tensor, "b h w 3"]) -> Float[Tensor, "b 3 h w"]:
        """BGR crops as OpenCV reads them, as `forward` takes them: RGB, normalised by mean and deviation."""
        image_B3HW = image_BHW3.permute(0, 3, 1, 2).flip(1).to(torch_float32)
        mean = image_B3HW.new_tensor(self.config.mean)[:, None, None]
        std = image_B3HW.new_tensor(self.config.std)[:, None, None]
        return (image_B3HW - mean) / std
