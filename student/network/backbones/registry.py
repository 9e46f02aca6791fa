"""Backbones by the names they have in params.yaml."""

from pipeline.extensions import BACKBONES
from student.network.backbones.backbone import Backbone


def build_backbone(name: str, output_stride: int = 32) -> Backbone:
    """The backbone called `name` with fresh weights, ending at a stride of 16 or 32.

    Raises:
        KDError: there is none, or not the package it is from.
    """
    backbone: type[Backbone] = BACKBONES.load(name)
    return backbone.of(name, output_stride)
