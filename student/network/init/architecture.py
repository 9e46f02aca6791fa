"""The architecture that weights belong to, in words, from their names and shapes."""

import re
from collections.abc import Mapping

from torch import Tensor

from student.network.backbones.cspnext import SCALINGS, STAGES


def described(tensors: Mapping[str, Tensor]) -> str:
    """Backbone and head of weights named `backbone...` and `head...`."""
    backbone = {name: t for name, t in tensors.items() if name.startswith("backbone.")}
    head = {name: t for name, t in tensors.items() if name.startswith("head.")}
    return f"{_backbone(backbone)}, {_head(head)}" if head else _backbone(backbone)


def shape_text(tensor: Tensor) -> str:
    """As 384 x 17; a single number is 1."""
    return " x ".join(map(str, tensor.shape)) or "1"


def _backbone(tensors: Mapping[str, Tensor]) -> str:
    if not tensors:
        return "no backbone"
    if "backbone.stage2.0.conv.weight" in tensors:
        return _cspnext(tensors)
    name, first = next(iter(tensors.items()))
    return f"a backbone of {len(tensors)} tensors, the first of them {name} of {shape_text(first)}"


def _cspnext(tensors: Mapping[str, Tensor]) -> str:
    (_, *_), (full, full_blocks, _), *_ = STAGES
    channels = len(tensors["backbone.stage2.0.conv.weight"])
    blocks = len({m[1] for m in (re.match(r"backbone\.stage2\.1\.blocks\.(\d+)\.", n) for n in tensors) if m})
    names = [
        name
        for name, scaling in SCALINGS.items()
        if (scaling.channels(full), scaling.blocks(full_blocks)) == (channels, blocks)
    ]
    factor = f"CSPNeXt at {channels / full:g} of the full width, {blocks} blocks in stage 2"
    stride = "" if "backbone.stage4.0.conv.weight" in tensors else ", output stride 16"
    return (f"{names[0]} ({factor})" if names else factor) + stride


def _head(tensors: Mapping[str, Tensor]) -> str:
    kinds = {
        "rtmcc": ("head.final_layer.weight", "head.cls_x.weight", "head.cls_y.weight"),
        "simcc": ("head.projection.weight", "head.to_x.weight", "head.to_y.weight"),
    }
    for kind, (joints, x, y) in kinds.items():
        if {joints, x, y} <= tensors.keys():
            bins = f"{len(tensors[x])} x {len(tensors[y])} bins"
            return f"a head {kind} of {len(tensors[joints])} joints and {bins}"
    if "head.projection.weight" in tensors:
        return f"a head heatmap of {len(tensors['head.projection.weight'])} joints"
    return f"a head of another kind ({len(tensors)} tensors, the first of them {next(iter(tensors))})"
