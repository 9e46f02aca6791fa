"""Heads by the names they have in params.yaml."""

from pipeline.geometry import MapGeometry
from student.network.backbones.backbone import Backbone
from student.network.config import HEATMAP_STRIDE
from student.network.heads.heatmap import HeatmapHead
from student.network.heads.rtmcc import RTMCCHead
from student.network.heads.simcc import SimCCHead

SIMCC_STRIDE = 8
"""Enough positions to resolve bins even for a crop of 96 x 128: 192."""

Head = HeatmapHead | SimCCHead | RTMCCHead
"""`joint_layer` names the layer whose outputs are one per joint; nothing else depends on the joints.
`joints_attend` says whether what is made of one joint's output depends on the others'."""


def build_head(
    name: str,
    geometry: MapGeometry,
    input_size: tuple[int, int],
    backbone: Backbone,
    width: int,
    joints: int,
) -> Head:
    """The head called `name`, for a map of this geometry; `input_size` is (width, height) of the crop."""
    if name == "rtmcc":
        return RTMCCHead(backbone.channels, joints, _cells(input_size, backbone.stride), geometry.size)
    if name == "heatmap":
        doublings = _doublings(backbone.stride, HEATMAP_STRIDE)
        return HeatmapHead(backbone.channels, width, joints, doublings)
    doublings = _doublings(backbone.stride, SIMCC_STRIDE)
    cells = _cells(input_size, SIMCC_STRIDE)
    return SimCCHead(backbone.channels, width, joints, doublings, cells, geometry.size)


def _cells(input_size: tuple[int, int], stride: int) -> int:
    """Positions of a map of this stride."""
    return (input_size[0] // stride) * (input_size[1] // stride)


def _doublings(stride: int, wanted: int) -> int:
    """Deconvolutions that lead from a map of one stride to one of the other."""
    return (stride // wanted).bit_length() - 1
