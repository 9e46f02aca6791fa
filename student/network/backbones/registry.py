"""Backbones by the names they have in params.yaml."""

from student.network.backbones.backbone import Backbone
from student.network.backbones.cspnext import CSPNeXt
from student.network.backbones.efficientnet_lite import EfficientNetLite0
from student.network.backbones.slim_resnet import SlimResNet18


def build_backbone(name: str, output_stride: int = 32) -> Backbone:
    """The backbone called `name` with fresh weights, ending at a stride of 16 or 32."""
    if name == "efficientnet_lite0":
        return EfficientNetLite0(output_stride)
    if name == "resnet18_slim":
        return SlimResNet18(output_stride)
    if name.startswith("cspnext"):
        return CSPNeXt(name, output_stride)
    # Torchvision takes a second to import; the backbones above need none of it.
    from student.network.backbones.torchvision_backbone import MobileNetBackbone, ResNetBackbone

    if name.startswith("mobilenet"):
        return MobileNetBackbone(name, output_stride)
    return ResNetBackbone(name, output_stride)
