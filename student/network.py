"""The student network.

Legend: B crops, U union joints, H and W rows and columns of the crop.
"""

from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch import float32 as torch_float32

from student.backbone import build_backbone
from student.heads import build_head
from student.positions import Positions
from student.student_config import StudentConfig


class PoseStudent(nn.Module):
    """A top-down pose network over the union skeleton: one person crop in, logits over positions out."""

    def __init__(self, config: StudentConfig) -> None:
        """Fresh weights, drawn from torch's global generator."""
        super().__init__()
        self.config = config
        self.backbone, channels = build_backbone(config.backbone)
        joints = config.skeleton.num_joints
        self.head = build_head(config.map, config.crop.input_size, channels, config.width, joints)

    def forward(self, image_B3HW: Float[Tensor, "b 3 h w"]) -> Positions:
        """Logits of every union joint, from RGB crops already normalised (`normalise`)."""
        return self.head(self.backbone(image_B3HW))

    def normalise(self, image_BHW3: UInt8[Tensor, "b h w 3"]) -> Float[Tensor, "b 3 h w"]:
        """BGR crops as OpenCV reads them, made what `forward` wants: RGB, mean and deviation taken out."""
        image_B3HW = image_BHW3.permute(0, 3, 1, 2).flip(1).to(torch_float32)
        mean = image_B3HW.new_tensor(self.config.mean)[:, None, None]
        std = image_B3HW.new_tensor(self.config.std)[:, None, None]
        return (image_B3HW - mean) / std
