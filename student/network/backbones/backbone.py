"""The interface of every backbone: stages one after another, ending in one feature map.

Legend: B crops, C channels, H and W rows and columns.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

BATCH_NORM_MOMENTUM = 0.1
"""PyTorch's usual one. Networks from TensorFlow bring 0.01: after a hundred steps their statistics would be
still near those of the start, and a student that has learned would fail in eval mode."""


class Backbone(nn.Module):
    """Maps float images (B, 3, h, w) to features (B, `channels`, h / `stride`, w / `stride`).

    h and w are multiples of `stride`.
    """

    channels: int
    stride: int
    brings_weights: ClassVar[bool] = False
    """Whether `load_packaged_weights` has any."""

    @classmethod
    def of(cls, name: str, output_stride: int) -> "Backbone":
        """The one called `name` with fresh weights, ending at a stride of 16 or 32. A class of one backbone
        takes the stride alone; one of several is to have this method too."""
        return cls(output_stride)

    def load_packaged_weights(self) -> None:
        """Take over the weights that come with the package it is from (`student.init.backbone: imagenet`).

        Raises:
            KDError: the package, or its weights, are not there.
        """
        raise NotImplementedError

    def by_own_names(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The weights of a file that is published for it, by the names they have here."""
        return dict(tensors)

    @property
    def stages(self) -> Sequence[nn.Module]:
        """The parts in the order they are applied; the first is the stem."""
        raise NotImplementedError

    def forward(self, image_B3HW: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c hs ws"]:
        feature_BCHW = image_B3HW
        for stage in self.stages:
            feature_BCHW = stage(feature_BCHW)
        return feature_BCHW
